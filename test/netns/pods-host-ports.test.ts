import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import { defaults } from '../../src/kernel/contract.ts';
import { connectIn } from '../../src/kernel/ns/index.ts';
import { ConntrackSocket, RouteSocket } from '../../src/kernel/netlink/index.ts';
import { Nft } from '../../src/kernel/nft/index.ts';
import { parseTable } from '../../src/kernel/nft/table.ts';
import type { NetworkPolicy } from '../../src/kube/types/networking.ts';
import { TestCluster, eventually, within } from './pods-cluster.ts';
import type { PortMapping, TestNode, TestPod } from './pods-cluster.ts';
import { echoServer, seenAs, udpSocket } from './pods-traffic.ts';
import { sendSctpInit } from './sctp-packets.ts';

const families = [0, 1] as const;
const hostPort = 8080;
const containerPort = 80;
const tcp: PortMapping = { hostPort, containerPort, protocol: 'tcp' };

/** Two nodes on one link, and a pod of the first whose servers answer on both families. */
async function world(context: TestContext, mappings: readonly PortMapping[] = [tcp]) {
  const cluster = new TestCluster(context, { links: [1, 1] });
  const [one, two] = cluster.nodes;
  assert.ok(one && two);
  await cluster.startAgents();
  const pod = await one.addPod('server', mappings);
  for (const host of pod.addresses) await echoServer(context, pod.namespace, host, containerPort);
  return { cluster, one, two, pod };
}

/** Elements of the maps that lead to pods. */
function portsOf(node: TestNode): readonly string[] {
  using nft = Nft.open(node.namespace);
  const { sets } = parseTable(nft.list('list table inet fairlead-pods'));
  const maps = ['ports4', 'ports6', 'anyports4', 'anyports6'];
  return maps.flatMap(name => [...(sets.get(name)?.elements ?? [])].map(([key, to]) => `${key} : ${to}`));
}

async function remove(pod: TestPod): Promise<void> {
  const { containerId, namespace } = pod;
  const outcome = await pod.node.plugin({ command: 'DEL', containerId, namespace });
  assert.equal(outcome.code, 0, outcome.stdout);
}

/** By the node itself: nobody is led to a pod. */
const refused = (namespace: string, host: string, port = hostPort) =>
  assert.rejects(
    connectIn(namespace, { host, port, timeoutMilliseconds: 20_000 }),
    ({ cause }: Error) => (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED',
  );

function addressOf(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
}

test('a port of the node leads to its pod from everywhere, and the pod sees who it is, in both families', async context => {
  const { cluster, one, two, pod } = await world(context);
  const neighbour = await one.addPod('neighbour');
  const remote = await two.addPod('remote');
  for (const family of families) {
    const host = one.addresses[family] ?? '';
    const cases: readonly (readonly [string, string, string | undefined])[] = [
      ['the world', cluster.world, defaults.world[family]],
      ['another node', two.namespace, two.addresses[family]],
      ['a pod of another node', remote.namespace, remote.addresses[family]],
      ['a pod of the node', neighbour.namespace, neighbour.addresses[family]],
      ['the node itself', one.namespace, host],
      ['the pod itself, as its node', pod.namespace, host],
    ];
    for (const [name, namespace, source] of cases)
      assert.equal(await seenAs(namespace, host, hostPort, 1 << 16), source, `${name} by ${host}`);
    await refused(cluster.world, two.addresses[family] ?? '');
  }
  const figures = await one.ask('/metrics');
  for (const line of [
    'fairlead_pods_host_ports 2',
    'fairlead_pods_attachments 2',
    'fairlead_pods_addresses_taken{prefix="10.244.0.0/24"} 2',
    'fairlead_pods_cni_operations_total{command="ADD",code="0"} 2',
    'fairlead_pods_cni_operation_duration_seconds_count{command="ADD"} 2',
  ])
    assert.ok(figures.includes(`${line}\n`), `${line} is among the figures`);
  const here = await seenAs(one.namespace, '127.0.0.1', hostPort, 1 << 16);
  assert.equal(here, one.addresses[0], 'the node by its loopback address, as itself');
});

test('a pod with a port of the node does not reach the loopback address of its node', async context => {
  const { one, pod } = await world(context);
  const [source = ''] = pod.addresses;
  using tracked = ConntrackSocket.open(one.namespace);
  using nft = Nft.open(one.namespace);
  // A pod that makes its own packets: a stack would send them to itself.
  const send = (destination: string, sourcePort: number) =>
    sendSctpInit(pod.namespace, {
      gatewayMac: defaults.podGatewayMac,
      source: addressOf(source),
      destination: addressOf(destination),
      sourcePort,
      port: 9090,
    });
  const arrived = () => tracked.list([{ protocol: 132 }]).map(({ original }) => original.destination);
  const node = one.addresses[0] ?? '';
  send('127.0.0.1', 40_000);
  send(node, 40_001);
  await eventually(() => assert.deepEqual(arrived(), [node], 'the later packet is there, the first is not'));
  nft.run('flush chain inet fairlead-pods prerouting-source\n');
  send('127.0.0.1', 40_002);
  await eventually(() => assert.ok(arrived().includes('127.0.0.1'), 'without the rule it would be'));
});

test('UDP and SCTP have ports of their own, also for those who sent there before the pod had it', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [one] = cluster.nodes;
  assert.ok(one);
  await cluster.startAgents();
  const clients = await Promise.all(
    families.map(family => udpSocket(context, cluster.world, defaults.world[family])),
  );
  const send = (family: 0 | 1) =>
    clients[family]?.socket.send('early', hostPort, one.addresses[family] ?? '');
  using tracked = ConntrackSocket.open(one.namespace);
  for (const family of families) send(family);
  await eventually(() => {
    const flows = tracked.list([{ protocol: 17, original: { destinationPort: hostPort } }]);
    assert.equal(flows.length, 2, 'they are tracked');
  });
  const pod = await one.addPod('server', [
    { hostPort, containerPort: 53, protocol: 'UDP' },
    { hostPort, containerPort: 38_412, protocol: 'sctp' },
  ]);
  for (const family of families) {
    const { socket } = await udpSocket(context, pod.namespace, pod.addresses[family] ?? '', 53);
    const heard = once(socket, 'message') as Promise<[Buffer, { address: string }]>;
    send(family);
    const [, from] = await within(20_000, heard, () => `no datagram came in by IPv${family === 0 ? 4 : 6}`);
    assert.equal(from.address, defaults.world[family]);
    sendSctp(cluster, one, family);
  }
  await eventually(() => {
    const flows = tracked.list([{ protocol: 132 }]);
    assert.deepEqual(
      new Set(flows.map(({ reply }) => `${reply.source} ${reply.sourcePort}`)),
      new Set(pod.addresses.map(address => `${address} 38412`)),
    );
  });
  await refused(cluster.world, one.addresses[0] ?? '');
});

function sendSctp(cluster: TestCluster, node: TestNode, family: 0 | 1): void {
  using route = RouteSocket.open(node.namespace);
  sendSctpInit(cluster.world, {
    gatewayMac: route.link('eth0')?.mac ?? '',
    source: addressOf(defaults.world[family]),
    destination: addressOf(node.addresses[family] ?? ''),
    sourcePort: 40_000,
    port: hostPort,
  });
}

test('hostIP binds the port to one address, or to the addresses of one family', async context => {
  const { cluster, one, pod } = await world(context, []);
  const at = async (hostIP: string, port: number) => {
    const server = await one.addPod(`at-${port}`, [{ ...tcp, hostPort: port, hostIP }]);
    for (const host of server.addresses) await echoServer(context, server.namespace, host, containerPort);
  };
  const [four = '', six = ''] = one.addresses;
  await at(four, 8001);
  await at('0.0.0.0', 8002);
  await at('::', 8003);
  await at('127.0.0.1', 8004);
  await at('203.0.113.9', 8005);
  const places = { four, six, loopback: '127.0.0.1', elsewhere: '203.0.113.9' };
  const reached = async (namespace: string, port: number) => {
    const found: string[] = [];
    for (const [name, host] of Object.entries(places)) {
      const open = await connectIn(namespace, { host, port, timeoutMilliseconds: 1000 }).catch(
        () => undefined,
      );
      if (open !== undefined) found.push(name);
      open?.destroy();
    }
    return found;
  };
  assert.deepEqual(await reached(one.namespace, 8001), ['four']);
  assert.deepEqual(await reached(one.namespace, 8002), ['four', 'loopback']);
  assert.deepEqual(await reached(one.namespace, 8003), ['six']);
  assert.deepEqual(await reached(one.namespace, 8004), ['loopback']);
  assert.deepEqual(await reached(pod.namespace, 8005), [], "nobody else's address is taken over");
  await refused(cluster.world, six, 8002);
  await refused(cluster.world, four, 8003);
});

test('a port of the node has one pod; another is told whose it is, and gets it when that one is gone', async context => {
  const { one, pod } = await world(context);
  const { namespace, containerId, pod: object } = await one.sandbox('second');
  const add = (portMappings: readonly PortMapping[]) =>
    one.plugin({
      command: 'ADD',
      containerId,
      namespace,
      pod: object,
      stdin: JSON.stringify(one.configuration({ runtimeConfig: { portMappings } })),
    });
  for (const clash of [tcp, { ...tcp, hostIP: '127.0.0.1' }, { ...tcp, hostIP: '::' }]) {
    const outcome = await add([{ ...tcp, hostPort: 9000 }, clash]);
    assert.equal(outcome.code, 11, 'try again later');
    assert.match(outcome.stdout, /8080 of the node is taken by the pod default\/server/);
  }
  assert.equal((await one.status()).attachments, 1, 'nothing is left of the refused ones');
  await remove(pod);
  assert.deepEqual(portsOf(one), [], 'with the pod its ports go');
  await refused(one.namespace, one.addresses[0] ?? '');
  const outcome = await add([tcp]);
  assert.equal(outcome.code, 0, outcome.stdout);
  assert.equal(portsOf(one).length, 2);
});

test('broken port mappings are refused by field, and unmapped ports are none', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [one] = cluster.nodes;
  assert.ok(one);
  await cluster.startAgents();
  const { namespace, containerId, pod } = await one.sandbox('broken');
  const add = async (portMappings: unknown) => {
    const stdin = JSON.stringify(one.configuration({ runtimeConfig: { portMappings } }));
    return one.plugin({ command: 'ADD', containerId, namespace, pod, stdin });
  };
  const broken: readonly (readonly [unknown, string])[] = [
    ['8080', 'runtimeConfig.portMappings'],
    [[null], 'portMappings[0]'],
    [[tcp, { ...tcp, hostPort: 65_536 }], 'portMappings[1].hostPort'],
    [[{ ...tcp, containerPort: 0 }], 'portMappings[0].containerPort'],
    [[{ ...tcp, protocol: 'icmp' }], 'portMappings[0].protocol'],
    [[{ ...tcp, hostIP: 'here' }], 'portMappings[0].hostIP'],
    [Array.from({ length: 2000 }, () => tcp), 'runtimeConfig.portMappings'],
  ];
  for (const [mappings, field] of broken) {
    const outcome = await add(mappings);
    assert.equal(outcome.code, 7, outcome.stdout);
    assert.ok(outcome.stdout.includes(field), `${outcome.stdout} names ${field}`);
  }
  const outcome = await add([
    { containerPort: 80, protocol: 'tcp' },
    { ...tcp, hostPort: 0 },
  ]);
  assert.equal(outcome.code, 0, outcome.stdout);
  assert.deepEqual(portsOf(one), []);
});

test('connections to a port of the node and new ones go on through the death of the agent, and through the loss of its store', async context => {
  const { cluster, one, pod } = await world(context, [tcp, { ...tcp, hostPort: 8081, hostIP: '127.0.0.1' }]);
  const host = one.addresses[0] ?? '';
  const before = portsOf(one);
  assert.equal(before.length, 3);
  await one.killAgent();
  assert.equal(await seenAs(cluster.world, host, hostPort), defaults.world[0], 'without an agent');
  await one.startAgent();
  assert.deepEqual(portsOf(one), before);
  assert.equal((await one.status()).corrections, 0, 'the next agent finds everything as it has to be');

  await one.killAgent();
  for (const file of ['ipam.db', 'ipam.db-wal'])
    writeFileSync(join(one.paths.state, file), 'this is no database, '.repeat(1000));
  await one.startAgent();
  assert.ok(readdirSync(one.paths.state).some(name => name.startsWith('ipam.db.unreadable-')));
  assert.deepEqual(portsOf(one), before);
  const { namespace, containerId, pod: object } = await one.sandbox('second');
  const stdin = JSON.stringify(one.configuration({ runtimeConfig: { portMappings: [tcp] } }));
  const outcome = await one.plugin({ command: 'ADD', containerId, namespace, pod: object, stdin });
  assert.match(outcome.stdout, /is taken by the pod default\/server/);
  await remove(pod);
  assert.deepEqual(portsOf(one), []);
});

test('what somebody takes out of the ports comes back, and CHECK tells it before', async context => {
  const { one, pod } = await world(context);
  const check = () =>
    one.plugin({
      command: 'CHECK',
      containerId: pod.containerId,
      namespace: pod.namespace,
      stdin: JSON.stringify(one.configuration({ prevResult: JSON.parse(pod.result) as unknown })),
    });
  assert.equal((await check()).code, 0);
  const before = portsOf(one);
  {
    using nft = Nft.open(one.namespace);
    nft.run('flush map inet fairlead-pods anyports4\n');
  }
  const outcome = await check();
  assert.equal(outcome.code, 102);
  assert.match(outcome.stdout, /the node's port tcp \. 8080 does not lead to the pod/);
  // Another pod's ports change while the table is not as it was left.
  const other = await one.addPod('other', [{ ...tcp, hostPort: 9000 }]);
  await remove(other);
  await one.tell({ reconcile: true });
  await eventually(() => assert.deepEqual(portsOf(one), before));
});

test('a policy of the pod judges the true source behind a port of the node', async context => {
  const { cluster, one, two, pod } = await world(context);
  const host = one.addresses[0] ?? '';
  const policy: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'default', name: 'world-only', uid: 'p1', generation: 1 },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [
        { from: [{ ipBlock: { cidr: `${defaults.world[0]}/32` } }], ports: [{ port: containerPort }] },
      ],
    },
  };
  await one.tell({
    namespaces: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }],
    policies: [policy],
  });
  const isOpen = async (namespace: string, timeoutMilliseconds = 10_000) => {
    const socket = await connectIn(namespace, { host, port: hostPort, timeoutMilliseconds }).catch(
      () => undefined,
    );
    socket?.destroy();
    return socket !== undefined;
  };
  await eventually(async () => assert.equal(await isOpen(two.namespace, 500), false), 20_000);
  assert.equal(await isOpen(cluster.world), true);
  assert.equal(await isOpen(one.namespace), true, 'the node reaches its own pods');
  assert.equal(pod.addresses.length, 2);
});
