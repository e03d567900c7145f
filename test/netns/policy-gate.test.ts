import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import type { NetworkPolicy } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { PolicyNode } from '../../src/policy/index.ts';
import { address } from '../property/policy-worlds.ts';
import { TestCluster } from './pods-cluster.ts';
import { denyEgress, podObject } from './policy-gate-objects.ts';
import {
  boundUdp,
  buildRig,
  eventually,
  quiet,
  rigAddresses,
  rigNamespace,
  startSender,
  wirePod,
} from './policy-rig.ts';

const port = 9999;
const quietMilliseconds = 300;

for (const gate of ['first', 'last'] as const)
  test(`with the gate asked ${gate}, a pod that sends from its first instruction leaks ${gate === 'first' ? 'nothing' : 'packets'}`, async context => {
    const rig = buildRig(context, `pol-gate-${gate}`, 1);
    const worker = new KernelWorker();
    context.after(() => worker.close());
    let received = 0;
    for (const host of rig.pods[0]?.addresses ?? [])
      (await boundUdp(context, rig.pods[0]?.namespace ?? '', host, port)).on('message', () => received++);
    const pods: Pod[] = [podObject('sender')];
    let policies: readonly NetworkPolicy[] = [denyEgress];
    const node = new PolicyNode({
      node: 'node-1',
      kernel: worker,
      log: silentLog,
      reportsDrops: true,
      assigned: [],
      namespacePath: rig.router,
      sources: {
        pods: () => pods,
        policies: () => policies,
        nodes: () => [],
        namespaceLabels: () => ({}),
        clusterPolicies: () => [],
        nodeLocalServices: () => [],
        reached: () => Promise.resolve(),
      },
    });
    const namespace = rigNamespace(context, `pol-gate-${gate}-sender`);
    for (const host of rig.pods[0]?.addresses ?? []) startSender(context, namespace, host, port, 'x');
    const admit = () =>
      node.admit(podObject('sender'), rigAddresses(1).map(address), '5', AbortSignal.timeout(30_000));
    if (gate === 'first') {
      await admit();
      wirePod(rig.router, namespace, 1);
      await systemClock.sleep(quietMilliseconds); // nothing says that a packet will not come
      assert.equal(received, 0, 'packets that got out');
    } else {
      wirePod(rig.router, namespace, 1);
      await eventually('a packet leaks', () => received > 0);
      await admit();
    }
    policies = [];
    await node.sync();
    const before = received;
    await eventually('the sender did send all the time', () => received > before + 100);
    policies = [denyEgress];
    await node.sync();
    await quiet('nothing passes when the policy is back', () => received, quietMilliseconds);
  });

test('while the caches are behind, a pod is closed; when they cannot catch up, it is not let in', async context => {
  const rig = buildRig(context, 'pol-gate-behind', 1);
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const behind = Promise.withResolvers<void>();
  const namespace = rigNamespace(context, 'pol-gate-behind-sender');
  let received = 0;
  const [host = ''] = rig.pods[0]?.addresses ?? [];
  (await boundUdp(context, rig.pods[0]?.namespace ?? '', host, port)).on('message', () => received++);
  const node = new PolicyNode({
    node: 'node-1',
    kernel: worker,
    log: silentLog,
    reportsDrops: true,
    assigned: [],
    namespacePath: rig.router,
    sources: {
      pods: () => [podObject('sender')],
      policies: () => [],
      nodes: () => [],
      namespaceLabels: () => ({}),
      clusterPolicies: () => [],
      nodeLocalServices: () => [],
      reached: (_namespace, _version, signal) =>
        Promise.race([
          behind.promise,
          new Promise<never>((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
        ]),
    },
  });
  startSender(context, namespace, host, port, 'x');
  const addresses = rigAddresses(1).map(address);
  await assert.rejects(node.admit(podObject('sender'), addresses, '9', AbortSignal.timeout(100)));
  const late = node.admit(podObject('sender'), addresses, '9', AbortSignal.timeout(30_000));
  const isClosed = async () =>
    JSON.stringify(await worker.nftList('list table inet fairlead-policy', rig.router)).includes(
      `["${rigAddresses(1)[0]}",{"jump":{"target":"closed"}}]`,
    );
  await eventually('its addresses are closed', isClosed);
  wirePod(rig.router, namespace, 1); // a runtime would not: the gate has not opened
  await systemClock.sleep(quietMilliseconds);
  assert.equal(received, 0);
  behind.resolve();
  await late;
  await eventually('it sends when it is let in', () => received > 0);
});

test('pods that the CNI plugin adds leak nothing under a policy that was there before', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [node] = cluster.nodes;
  assert.ok(node);
  await cluster.startAgents();
  await node.tell({
    namespaces: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }],
    // What cannot be read in it allows nothing.
    policies: [
      {
        ...denyEgress,
        spec: { ...denyEgress.spec, egress: [{ to: [{ ipBlock: { cidr: 'everywhere' } }] }] },
      },
    ],
  });
  const sink = await node.addPod('sink');
  const received = new Set<string>();
  for (const host of sink.addresses)
    (await boundUdp(context, sink.namespace, host, port)).on('message', message =>
      received.add(message.toString()),
    );
  const names = ['a', 'b', 'c', 'd', 'e'];
  await Promise.all(
    names.map(async (name, index) => {
      const { namespace, containerId, pod } = await node.sandbox(name);
      startSender(context, namespace, sink.addresses[index % 2] ?? '', port, name);
      const outcome = await node.plugin({ command: 'ADD', containerId, namespace, pod });
      assert.equal(outcome.code, 0, outcome.stdout);
    }),
  );
  await systemClock.sleep(quietMilliseconds);
  assert.deepEqual([...received], [], 'packets that got out');
  assert.deepEqual((await node.status()).policy.problems, [
    {
      object: 'NetworkPolicy/default/deny',
      field: 'spec.egress[0].to[0].ipBlock.cidr',
      sentence: '"everywhere" is no CIDR',
    },
  ]);
  await node.tell({ removePolicies: ['default/deny'] });
  await eventually('every one of them did send', () => names.every(name => received.has(name)));
});
