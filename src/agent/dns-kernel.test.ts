import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { parseAddress } from '../base/ip.ts';
import { silentLog } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import type { NetworkPolicy } from '../kube/types/networking.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import type { Service } from '../kube/types/service.ts';
import { PolicyNode } from '../policy/index.ts';
import { DNS_KERNEL, followDnsKernel } from './dns-kernel.ts';
import type { DnsKernel } from './dns-kernel.ts';

const [address, dns] = ['10.244.1.2', '10.96.0.10'];
const web: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name: 'web', uid: 'web' },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'web' }] },
  status: { phase: 'Running', podIPs: [{ ip: address }] },
};
const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'kube-system', name: 'kube-dns', uid: 'dns' },
  spec: { clusterIP: dns, clusterIPs: [dns], ports: [{ port: 53, protocol: 'UDP' }] },
};
const policy = (egress: NonNullable<NetworkPolicy['spec']['egress']>): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'shop', name: 'out', uid: 'out', generation: egress.length },
  spec: { podSelector: {}, policyTypes: ['Egress'], egress },
});
const nothing = { keys: new Uint8Array(0), values: new Uint8Array(0) };
const toDns = { ports: [{ port: 53, protocol: 'UDP' }] } as const;

const annotated = (value: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', annotations: { [DNS_KERNEL]: value } },
});

/** A node's policies and its program, before a kernel that tells the steps in which it was told. */
function world(context: TestContext, areNodesKnown = true) {
  const steps: string[] = [];
  const synced = Promise.withResolvers<void>();
  const state = {
    policies: [] as NetworkPolicy[],
    isBroken: false,
    isStuck: false,
    /** What an earlier agent left in the map of pods. */
    left: { keys: new Uint8Array(0), values: new Uint8Array(0) },
  };
  const nodes = new Map<string, Node>();
  const rules = () => {
    steps.push('rules');
    return Promise.resolve();
  };
  const node = new PolicyNode({
    node: 'node-1',
    kernel: {
      nft: rules,
      nftChunked: async () => {
        await rules();
        return { applied: 0, refused: [] };
      },
      nftElements: rules,
      nftTable: () => Promise.resolve(undefined),
      nftCounters: () => Promise.resolve([]),
      connections: () => Promise.resolve([]),
      markConnections: () => Promise.resolve(0),
    },
    sources: {
      pods: () => [web],
      policies: () => state.policies,
      clusterPolicies: () => [],
      nodes: () => [],
      nodeLocalServices: () => [service],
      namespaceLabels: () => ({}),
      reached: () => Promise.resolve(),
    },
    log: silentLog,
    reportsDrops: false,
    verdicts: (model, addresses) => kernel.verdicts(model, addresses),
    assigned: [],
  });
  const kernel: DnsKernel = followDnsKernel({
    cluster: 'test',
    node: 'node-1',
    worker: {
      installBpf: () => Promise.resolve(void steps.push('load')),
      readBpfMap: pin => Promise.resolve(pin.endsWith('/pods') ? state.left : nothing),
      lookUpBpfMap: () => Promise.resolve({ present: Uint8Array.of(1), values: new Uint8Array(16) }),
      changeBpfMaps: changes => {
        if (state.isBroken) return Promise.reject(new Error('the map is gone'));
        for (const { pin, set } of changes)
          if (pin.endsWith('/pods') && set !== undefined && set.values.length > 0)
            steps.push(`pod ${set.values[0] ?? 0}`);
        return Promise.resolve();
      },
      unpinBpf: () => Promise.resolve(void steps.push('unload')),
      attachBpfToLinks: (_, links) =>
        Promise.resolve(links.map(name => ({ name, linkIndex: 7, isNew: true }))),
      detachBpfFromLinks: () =>
        state.isStuck ? Promise.reject(new Error('the link is stuck')) : Promise.resolve(),
      probe: () =>
        Promise.resolve([{ name: 'bpf-tc', since: '4.1', purpose: '', outcome: { is: 'supported' } }]),
    },
    file: '',
    option: 'auto',
    dnsAddresses: [dns],
    nodes: { cache: nodes, synced: synced.promise },
    pods: () => [
      { link: 'fl0', namespace: 'shop', addresses: [parseAddress(address) ?? assert.fail(address)] },
    ],
    recheck: () => {
      if (node.model !== undefined) void node.catchUp();
    },
    metrics: new Metrics(),
    clock: systemClock,
    log: silentLog,
  });
  context.after(() => kernel.close());
  const until = async (what: (status: ReturnType<DnsKernel['status']>) => boolean) => {
    const deadline = performance.now() + 20_000;
    while (!what(kernel.status())) {
      assert.ok(performance.now() < deadline, JSON.stringify([kernel.status(), steps]));
      await new Promise(setImmediate);
    }
  };
  const take = async (...policies: readonly NetworkPolicy[]) => {
    state.policies = [...policies];
    steps.length = 0;
    await node.sync();
    return [...new Set(steps)];
  };
  if (areNodesKnown) synced.resolve();
  return { kernel, node, nodes, state, steps, synced, take, until };
}

test('a pod is answered once policies are in force: before the rules it may ask no more, after them it may', async context => {
  const { kernel, node, take, until } = world(context);
  kernel.podsChanged();
  await until(({ pods }) => pods === 1);
  assert.equal(kernel.status().allowed, 0, 'nothing is known of policies yet');
  await node.sync();
  await until(({ allowed }) => allowed === 1);
  assert.deepEqual(await take(policy([])), ['pod 0', 'rules']);
  assert.deepEqual(await take(policy([toDns])), ['rules', 'pod 1']);
  assert.deepEqual(await take(policy([{ ports: [{ port: 53, protocol: 'TCP' }] }])), ['pod 0', 'rules']);
  assert.deepEqual(await take(), ['rules', 'pod 1']);
});

test('a kernel that cannot be told who may not ask answers nobody', async context => {
  const { kernel, node, state, steps, take, until } = world(context);
  kernel.podsChanged();
  await node.sync();
  await until(({ allowed }) => allowed === 1);
  state.isBroken = true;
  const done = await take(policy([]));
  assert.deepEqual(done, ['unload', 'rules'], 'and only then the rules are another');
  assert.equal(kernel.status().state, 'off');
  assert.match(kernel.status().reason, /the map is gone/);
  state.isBroken = false;
  kernel.reconcile();
  await until(status => status.state === 'on' && status.pods === 1);
  assert.equal(kernel.status().allowed, 0);
  assert.ok(steps.includes('load'));
});

test('what an earlier agent let a pod ask is taken back before the first rules forbid it', async context => {
  const { kernel, state, take } = world(context);
  const before = Buffer.alloc(72);
  before[0] = 1;
  before[8] = 'shop'.length;
  before.set(Buffer.from('shop'), 9);
  state.left = { keys: new Uint8Array(Uint32Array.of(7).buffer), values: before };
  // The program is loaded again, and finds the pod allowed.
  assert.deepEqual(await take(policy([])), ['load', 'pod 1', 'pod 0', 'rules']);
  assert.equal(kernel.status().allowed, 0);
});

test('a program that cannot be taken off is on, and is taken off later', async context => {
  const { kernel, node, nodes, state, steps, take, until } = world(context);
  kernel.podsChanged();
  await node.sync();
  await until(({ allowed }) => allowed === 1);
  state.isBroken = state.isStuck = true;
  assert.deepEqual(await take(policy([])), ['rules'], 'the rules close what they can');
  assert.deepEqual(
    [kernel.status().state, kernel.status().allowed],
    ['on', 1],
    'nobody says that all is well',
  );
  assert.match(kernel.status().reason, /the link is stuck/);
  state.isBroken = false;
  await node.catchUp();
  assert.equal(kernel.status().allowed, 0, 'the next turn tries again');
  nodes.set('node-1', annotated('off'));
  kernel.reconcile();
  await until(() => state.isStuck);
  assert.ok(!steps.includes('unload'));
  state.isStuck = false;
  await until(({ state: is }) => is === 'off');
  assert.ok(steps.includes('unload'));
});

test('nothing is switched on before the Node is known, which may say off', async context => {
  const { kernel, nodes, steps, synced, until } = world(context, false);
  kernel.reconcile();
  kernel.podsChanged();
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.deepEqual(steps, []);
  nodes.set('node-1', annotated('off'));
  synced.resolve();
  await until(({ reason }) => /annotation/.test(reason));
  assert.deepEqual(steps, ['unload'], 'what an earlier agent left goes');
});

test('a Node’s annotation switches it off and on', async context => {
  const { kernel, node, nodes, until } = world(context);
  kernel.podsChanged();
  await node.sync();
  await until(({ allowed }) => allowed === 1);
  nodes.set('node-1', annotated('off'));
  kernel.reconcile();
  await until(({ state }) => state === 'off');
  assert.match(kernel.status().reason, /annotation/);
  nodes.set('node-1', annotated('auto'));
  kernel.reconcile();
  await until(({ allowed }) => allowed === 1);
});
