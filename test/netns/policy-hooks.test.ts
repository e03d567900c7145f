import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { nft as contract } from '../../src/kernel/contract.ts';
import { connectIn } from '../../src/kernel/ns/index.ts';
import type { KernelWorker } from '../../src/kernel/worker/index.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../../src/kube/types/networking.ts';
import { PolicyNode } from '../../src/policy/index.ts';
import { echoServer } from './pods-traffic.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { boundUdp, eventually, expectReach, quiet } from './policy-rig.ts';

const denyAll: NetworkPolicySpec = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] };
const families = [0, 1] as const;

test('under default deny the node reaches its pods, no pod reaches the node, and each itself', async context => {
  const { rig, set } = policyWorld(context, 'pol-hooks');
  const [one] = [place(rig, 0)];
  const reach = (from: string, host: string, isExpected: boolean, what: string) =>
    expectReach([from, host], isExpected, what);
  for (const family of families) {
    await reach(one.namespace, rig.routerAddresses[family], true, 'without a policy');
  }
  await set(denyAll);
  for (const family of families) {
    await reach(rig.router, one.addresses[family], true, 'the node, as probes do');
    await reach(one.namespace, rig.routerAddresses[family], false, 'the pod its node');
    await reach(one.namespace, one.addresses[family], true, 'the pod itself');
    await reach(one.namespace, place(rig, 1).addresses[family], false, 'another pod');
  }
});

test('an egress rule for an address lets a pod reach its node', async context => {
  const { rig, set } = policyWorld(context, 'pol-node');
  await set(denyAll, {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr: `${rig.routerAddresses[0]}/32` } }], ports: [{ port: 7 }] }],
  });
  const { namespace } = place(rig, 0);
  await expectReach([namespace, rig.routerAddresses[0], 7], true);
  await expectReach([namespace, rig.routerAddresses[0], 8], false);
  await expectReach([namespace, rig.routerAddresses[1], 7], false);
});

test('replies to what a pod may open come back, though it lets nobody in', async context => {
  const { rig, set } = policyWorld(context, 'pol-replies');
  await set({ podSelector: { matchLabels: { pod: '0' } }, policyTypes: ['Ingress'] });
  for (const family of families) {
    const host = place(rig, 1).addresses[family];
    const port = await echoServer(context, place(rig, 1).namespace, host);
    const socket = await connectIn(place(rig, 0).namespace, { host, port, timeoutMilliseconds: 20_000 });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    await eventually('the server’s first line', () => received.includes('\n'));
    socket.destroy();
  }
});

test('the cluster’s DNS address, which the node answers untracked, is allowed by the labels of its pods', async context => {
  const { rig, set, services, worker } = policyWorld(context, 'pol-dns');
  const dns = '10.96.0.10';
  await worker.netlink(rig.router, [{ do: 'address-add', dev: 'lo', address: `${dns}/32`, nodad: true }]);
  await worker.nft(
    `add table inet t
add chain inet t in { type filter hook prerouting priority -300; }
add chain inet t out { type filter hook output priority -300; }
add rule inet t in ip daddr ${dns} udp dport 53 notrack
add rule inet t out ip saddr ${dns} udp sport 53 notrack
`,
    rig.router,
  );
  const server = await boundUdp(context, rig.router, dns, 53);
  server.on('message', (message, from) => server.send(message, from.port, from.address));
  const { namespace, addresses } = place(rig, 0);
  const client = await boundUdp(context, namespace, addresses[0], 5353);
  const answers: string[] = [];
  client.on('message', message => answers.push(message.toString()));
  services.push({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'kube-system', name: 'kube-dns' },
    spec: { clusterIPs: [dns], selector: { 'k8s-app': 'kube-dns' } },
  });
  await set(denyAll);
  await new Promise<void>(resolve => {
    client.send('denied', 53, dns, () => resolve());
  });
  await set(denyAll, {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
        ports: [{ protocol: 'UDP', port: 53 }],
      },
    ],
  });
  client.send('allowed', 53, dns);
  await eventually('the answer', () => answers.includes('allowed'));
  assert.deepEqual(answers, ['allowed']);
});

test('an ICMP error that answers an allowed datagram comes back to a pod that lets nobody in', async context => {
  const { rig, set } = policyWorld(context, 'pol-related');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  await set({ podSelector: { matchLabels: { pod: '0' } }, policyTypes: ['Ingress'] });
  for (const family of families) {
    const socket = await boundUdp(context, client.namespace, client.addresses[family], 4000);
    const refused = new Promise<Error>(resolve => {
      socket.once('error', resolve);
    });
    socket.connect(4001, server.addresses[family], () => socket.send('to nobody'));
    assert.match(String(await refused), /ECONNREFUSED/);
  }
});

test('under default deny neighbours are found, so that IPv6 lives', async context => {
  const { rig, set, worker } = policyWorld(context, 'pol-neighbours');
  await set(denyAll);
  const { addresses, namespace } = place(rig, 0);
  const reach = (what: string) => expectReach([rig.router, addresses[1]], true, what);
  await reach('at first');
  for (const [path, address, dev] of [
    [rig.router, addresses[1], 'veth0'],
    [namespace, rig.routerAddresses[1], 'eth0'],
  ] as const)
    await worker.netlink(path, [{ do: 'neighbour-delete', address, dev }]);
  await reach('they ask each other again');
});

test('datagrams in fragments are judged as a whole, by their port', async context => {
  const { rig, set } = policyWorld(context, 'pol-fragments');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  await set({
    podSelector: { matchLabels: { pod: '1' } },
    ingress: [{ ports: [{ protocol: 'UDP', port: 4001 }] }],
  });
  for (const family of families) {
    const received: string[] = [];
    const from = await boundUdp(context, client.namespace, client.addresses[family], 4000);
    for (const port of [4001, 4002])
      (await boundUdp(context, server.namespace, server.addresses[family], port)).on('message', message =>
        received.push(`${port} ${message.length}`),
      );
    for (const port of [4002, 4001]) from.send(Buffer.alloc(9000), port, server.addresses[family]);
    await eventually('the allowed datagram', () => received.includes('4001 9000'));
    assert.deepEqual(received, ['4001 9000']);
  }
});

for (const family of families)
  test(`a change cuts what is open and not allowed any more, also where only the server sends (IPv${family === 0 ? 4 : 6})`, async context => {
    const { rig, set, node } = policyWorld(context, `pol-cut${family}`);
    const [client, server] = [place(rig, 0), place(rig, 1)];
    const from = await boundUdp(context, client.namespace, client.addresses[family], 4000);
    const to = await boundUdp(context, server.namespace, server.addresses[family], 4001);
    let received = 0;
    from.on('message', () => received++);
    let timer: NodeJS.Timeout | undefined;
    context.after(() => clearInterval(timer));
    to.once('message', () => {
      // From here on the server sends alone.
      timer = setInterval(() => to.send('x', 4000, client.addresses[family]), 5);
    });
    await set({
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ protocol: 'UDP', port: 4001 }] }],
    });
    from.send('x', 4001, server.addresses[family]);
    await eventually('the server’s stream', () => received > 5);
    await set({
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ protocol: 'UDP', port: 53 }] }],
    });
    await quiet('no datagram passes after the change', () => received, 200);
    const cut = received;
    assert.ok(node.status().revoked >= 1);
    await set({
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ protocol: 'UDP', port: 4001 }] }],
    });
    await eventually('it goes on when it is allowed again', () => received > cut + 5);
  });

test('an agent that starts again adopts what is there: nothing is opened, nothing written', async context => {
  const world = policyWorld(context, 'pol-adopt');
  const { rig, worker } = world;
  await world.set(denyAll);
  const written: string[] = [];
  const listening = {
    ...pick(worker),
    nft: async (commands: string, path?: string) => {
      written.push(commands);
      await worker.nft(commands, path);
    },
  };
  const next = new PolicyNode({
    node: 'node-1',
    kernel: listening,
    log: silentLog,
    reportsDrops: true,
    assigned: [],
    namespacePath: rig.router,
    sources: {
      pods: () => world.pods,
      policies: () => [
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { namespace: 'default', name: 'p0', uid: 'u0', generation: 1 },
          spec: denyAll,
        },
      ],
      nodes: () => [],
      namespaceLabels: () => ({}),
      clusterPolicies: () => [],
      nodeLocalServices: () => [],
      reached: () => Promise.resolve(),
    },
  });
  await next.sync();
  assert.deepEqual(written, []);
  await worker.nft(`flush chain inet ${contract.tables.policy} forward`, rig.router);
  await world.again().sync();
  await expectReach(
    [place(rig, 0).namespace, place(rig, 1).addresses[0]],
    false,
    'what was broken meanwhile is put right',
  );
});

test('what somebody else changed in the table is found by a comparison, put right, and counted', async context => {
  const { rig, worker, node, set } = policyWorld(context, 'pol-compare');
  await set(denyAll);
  await node.reconcile();
  assert.equal(node.status().corrections, 0);
  const table = contract.tables.policy;
  const pod = place(rig, 0).addresses[0];
  await worker.nft(
    `delete element inet ${table} egress4 { ${pod} }\nflush chain inet ${table} input\nadd chain inet ${table} foreign\n`,
    rig.router,
  );
  const reach = (isExpected: boolean, what: string) =>
    expectReach([place(rig, 0).namespace, rig.routerAddresses[0]], isExpected, what);
  await reach(true, 'opened by somebody');
  await node.reconcile();
  await reach(false, 'put right');
  assert.equal(node.status().corrections, 3);
  await node.reconcile();
  assert.equal(node.status().corrections, 3);
});

function pick(worker: KernelWorker) {
  return {
    nft: worker.nft.bind(worker),
    nftChunked: worker.nftChunked.bind(worker),
    nftElements: worker.nftElements.bind(worker),
    nftTable: worker.nftTable.bind(worker),
    connections: worker.connections.bind(worker),
    markConnections: worker.markConnections.bind(worker),
    nftCounters: worker.nftCounters.bind(worker),
  };
}

test('when the kernel refuses a policy’s part, its pods are closed, the rest is enforced, and it is reported', async context => {
  const world = policyWorld(context, 'pol-refused', 3);
  const { rig, worker, pods } = world;
  const broken = /add set inet \S+ (\S+-ports) /;
  const breaking = {
    ...pick(worker),
    // The first group of hash sets is refused, as for want of memory.
    nft: (commands: string, path?: string) =>
      worker.nft(commands.replace(broken, 'add set inet absent $1 '), path),
    nftChunked: <P>(
      changes: readonly { readonly commands: string; readonly provenance: P }[],
      path?: string,
    ) =>
      worker.nftChunked(
        changes.map(change => ({
          ...change,
          commands: change.commands.replace(broken, 'add set inet absent $1 '),
        })),
        path,
      ),
  };
  const policy = (pod: string, spec: NetworkPolicySpec): NetworkPolicy => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'default', name: `for-${pod}`, uid: pod, generation: 1 },
    spec: { ...spec, podSelector: { matchLabels: { pod } } },
  });
  const node = new PolicyNode({
    node: 'node-1',
    kernel: breaking,
    log: silentLog,
    reportsDrops: true,
    assigned: [],
    namespacePath: rig.router,
    sources: {
      pods: () => pods,
      policies: () => [
        policy('0', { ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }] }),
        policy('1', { ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80, endPort: 81 }] }] }),
      ],
      nodes: () => [],
      namespaceLabels: () => ({}),
      clusterPolicies: () => [],
      nodeLocalServices: () => [],
      reached: () => Promise.resolve(),
    },
  });
  await node.sync();
  const reach = (to: number, port: number, isExpected: boolean, what: string) =>
    expectReach([place(rig, 2).namespace, place(rig, to).addresses[0], port], isExpected, what);
  await reach(0, 80, false, 'closed');
  await reach(1, 81, true, 'the other policy’s rule');
  await reach(1, 82, false, 'and its isolation');
  const [problem] = node.status().problems;
  assert.equal(problem?.object, 'NetworkPolicy/default/for-0');
  assert.match(problem?.sentence ?? '', /default\/pod0 are closed/);
});
