import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service, ServiceSpec } from '../../src/kube/types/service.ts';
import {
  attempt,
  conversation,
  meet,
  nodeAddresses,
  outsiders,
  serverPort,
  service,
  slice,
  startNode,
  tcpServers,
  udpServers,
} from './services-node.ts';
import type { ServiceNode } from './services-node.ts';

const families = [4, 6] as const;
const balancer = { 4: '172.30.200.1', 6: 'fd00:172:30::c8:1' } as const;
const cluster = { 4: '10.96.0.10', 6: 'fd00:10:96::10' } as const;
const pod = { 4: '10.244.0.2', 6: 'fd00:10:244::2' } as const;

function balanced(spec: Partial<ServiceSpec> = {}): Service {
  return {
    ...service('web', [cluster[4], cluster[6]], { type: 'LoadBalancer', ...spec }),
    status: { loadBalancer: { ingress: [{ ip: balancer[4], ipMode: 'VIP' }, { ip: balancer[6] }] } },
  };
}

/** Slices of both families; the first `here` of the places are on this node, the others on another. */
function spread(
  { places }: ServiceNode,
  here: number,
  conditions = { ready: true },
): readonly EndpointSlice[] {
  return families.map(family => {
    const one = slice('web', places[family], conditions);
    const endpoints = (one.endpoints ?? []).map((endpoint, index) => ({
      ...endpoint,
      nodeName: index < here ? 'node-1' : 'node-2',
    }));
    return { ...one, endpoints };
  });
}

/** Whom eight connections met: the addresses that were reached, and those from which they were. */
async function meetings(from: string, address: string, port = 80) {
  const met = await Promise.all(Array.from({ length: 8 }, () => meet(from, address, port)));
  return {
    reached: [...new Set(met.map(meeting => meeting.reached))],
    from: [...new Set(met.map(meeting => meeting.from))],
  };
}

const nodeSide = { 4: nodeAddresses[0], 6: nodeAddresses[1] } as const;

test('externalTrafficPolicy Local: clients from outside reach endpoints of this node with their own address', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  node.objects.put(balanced({ externalTrafficPolicy: 'Local' }), ...spread(node, 2));
  await node.network().load();
  for (const family of families) {
    const outside = await meetings(node.outside, balancer[family]);
    const local = node.places[family].slice(0, 2);
    assert.ok(
      outside.reached.every(place => local.includes(place)),
      outside.reached.join(),
    );
    assert.deepEqual(outside.from, [outsiders[family]]);
  }
});

test('externalTrafficPolicy Local: the cluster’s own clients reach all endpoints; pods keep their address', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  node.objects.put(balanced({ externalTrafficPolicy: 'Local' }), ...spread(node, 0));
  await node.network().load();
  for (const family of families) {
    assert.ok((await meetings(node.node, balancer[family])).reached.length > 1);
    const fromPod = await meetings(node.client, balancer[family]);
    assert.ok(fromPod.reached.length > 1);
    assert.deepEqual(fromPod.from, [pod[family]]);
  }
});

test('externalTrafficPolicy Local: a node without endpoints drops what others could serve, and refuses when nobody could', async context => {
  const node = startNode(context);
  const network = node.network();
  node.objects.put(balanced({ externalTrafficPolicy: 'Local' }), ...spread(node, 0));
  await network.load();
  for (const family of families)
    assert.equal((await attempt(node.outside, balancer[family], 80)).outcome, 'unanswered');
  node.objects.put(...spread(node, 0, { ready: false }));
  await network.change('shop/web');
  for (const family of families)
    assert.equal((await attempt(node.outside, balancer[family], 80)).outcome, 'ECONNREFUSED');
});

test('externalTrafficPolicy Local: endpoints that drain here are used when none here is ready', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const draining = { ready: false, serving: true, terminating: true };
  const slices = spread(node, 1).map(one => ({
    ...one,
    endpoints: (one.endpoints ?? []).map(endpoint =>
      endpoint.nodeName === 'node-1' ? { ...endpoint, conditions: draining } : endpoint,
    ),
  }));
  node.objects.put(balanced({ externalTrafficPolicy: 'Local' }), ...slices);
  await node.network().load();
  for (const family of families) {
    assert.deepEqual((await meetings(node.outside, balancer[family])).reached, [node.places[family][0]]);
    const inside = await meetings(node.client, balancer[family]);
    assert.ok(!inside.reached.includes(node.places[family][0] ?? ''), 'pods get those that are ready');
  }
});

test('externalTrafficPolicy Cluster: clients from outside reach all endpoints, which see the node’s address', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  node.objects.put(balanced(), ...spread(node, 1));
  await node.network().load();
  for (const family of families) {
    for (const from of [node.outside, node.client]) {
      const met = await meetings(from, balancer[family]);
      assert.ok(met.reached.length > 1);
      assert.deepEqual(met.from, [nodeSide[family]]);
    }
  }
});

test('a cluster address that is reached from outside is answered through the node', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  node.objects.put(balanced(), ...spread(node, 1));
  await node.network().load();
  for (const family of families)
    assert.deepEqual((await meetings(node.outside, cluster[family])).from, [nodeSide[family]]);
});

test('internalTrafficPolicy Local: pods reach endpoints of their node, and are dropped where there is none', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  node.objects.put(balanced({ internalTrafficPolicy: 'Local' }), ...spread(node, 1));
  await network.load();
  for (const family of families)
    assert.deepEqual((await meetings(node.client, cluster[family])).reached, [node.places[family][0]]);
  node.objects.put(...spread(node, 0));
  await network.change('shop/web');
  assert.equal((await attempt(node.client, cluster[4], 80)).outcome, 'unanswered');
});

test('a port that the Service does not have is refused at its load balancer’s address', async context => {
  const node = startNode(context);
  node.objects.put(balanced({ externalTrafficPolicy: 'Local' }), ...spread(node, 2));
  await node.network().load();
  for (const family of families)
    for (const from of [node.outside, node.client, node.node])
      assert.equal((await attempt(from, balancer[family], 81)).outcome, 'ECONNREFUSED');
});

test('loadBalancerSourceRanges: others are dropped, at the load balancer’s address alone', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  const ranges = ['10.244.2.0/24', '10.244.2.2/32', 'fd00:10:244:2::/64'];
  node.objects.put(balanced({ loadBalancerSourceRanges: ranges }), ...spread(node, 2));
  await network.load();
  for (const family of families) {
    assert.equal((await attempt(node.outside, balancer[family], 80)).outcome, 'connected');
    assert.equal((await attempt(node.client, balancer[family], 80)).outcome, 'unanswered');
    assert.equal((await attempt(node.client, cluster[family], 80)).outcome, 'connected');
  }
  assert.equal((await network.reconcile()).corrections, 0, 'what was written is read back the same');
  node.objects.put(balanced({ loadBalancerSourceRanges: ['10.244.0.2/32', ' 0::/0 ', 'nonsense'] }));
  await network.change('shop/web');
  assert.equal((await attempt(node.client, balancer[4], 80)).outcome, 'connected');
  assert.equal((await attempt(node.client, balancer[6], 80)).outcome, 'connected');
  assert.equal((await attempt(node.outside, balancer[4], 80)).outcome, 'unanswered');
  assert.match(network.problems()[0]?.sentence ?? '', /lets nobody in/);
});

test('a node that may come comes from the load balancer’s address, too, where it has that itself', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  using own = RouteSocket.open(node.node);
  own.apply([
    { do: 'address-add', dev: 'lo', address: `${balancer[4]}/32` },
    { do: 'address-add', dev: 'lo', address: `${balancer[6]}/128`, nodad: true },
  ]);
  node.objects.put(
    balanced({ loadBalancerSourceRanges: ['10.244.2.1/32', 'fd00:10:244:2::1/128'] }),
    ...spread(node, 2),
  );
  await network.load();
  for (const family of families)
    assert.equal((await attempt(node.node, balancer[family], 80)).outcome, 'connected');
  node.objects.put(balanced({ loadBalancerSourceRanges: ['10.244.0.2/32', 'fd00:10:244::2/128'] }));
  await network.change('shop/web');
  for (const family of families) {
    assert.equal((await attempt(node.node, balancer[family], 80)).outcome, 'unanswered');
    assert.equal((await attempt(node.client, balancer[family], 80)).outcome, 'connected');
  }
});

test('an address of mode Proxy, and one of a Service that is no load balancer any more, is not translated', async context => {
  const node = startNode(context);
  const proxied = balanced();
  const status = { loadBalancer: { ingress: [{ ip: balancer[4], ipMode: 'Proxy' as const }] } };
  node.objects.put({ ...proxied, status }, ...spread(node, 2));
  const network = node.network();
  await network.load();
  assert.equal(network.counts().frontends, 4);
  node.objects.put(balanced({ type: 'ClusterIP' }));
  await network.change('shop/web');
  assert.equal(network.counts().frontends, 4);
});

test('a client whose range is taken out is cut off, also in the middle of a UDP flow; others keep their endpoint', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await udpServers(context, node.servers, places[4], serverPort);
  const network = node.network();
  const open = balanced({ loadBalancerSourceRanges: [`${pod[4]}/32`, `${outsiders[4]}/32`] });
  objects.put(open, ...spread(node, 4));
  await network.load();
  await using inside = await conversation(node.client);
  await using outside = await conversation(node.outside);
  const [met, other] = [await inside.ask(balancer[4], 53), await outside.ask(balancer[4], 53)];
  assert.ok(met !== undefined && other !== undefined);
  objects.put(balanced({ loadBalancerSourceRanges: [`${pod[4]}/32`] }));
  await network.change('shop/web');
  assert.equal(await outside.ask(balancer[4], 53, 400), undefined, 'its flow does not go on');
  for (let turn = 0; turn < 5; turn++)
    assert.equal(await inside.ask(balancer[4], 53), met, 'a flow that may go on is not touched');
});

test('what is refused and dropped is counted by reason', async context => {
  const node = startNode(context);
  const { objects } = node;
  const network = node.network();
  objects.put(
    balanced({ internalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['192.0.2.0/24'] }),
    ...spread(node, 0),
    service('empty', ['10.96.0.11']),
  );
  await network.load();
  const before = await network.refusedConnections();
  assert.deepEqual(new Set(before.values()), new Set([0]));
  for (const [address, port] of [
    [cluster[4], 80], // no local endpoint
    [cluster[4], 81], // no such port
    [balancer[4], 80], // out of range
    ['10.96.0.11', 80], // no endpoint
    ['10.96.0.99', 80], // nobody's
  ] as const)
    await attempt(node.client, address, port, 300);
  assert.deepEqual(Object.fromEntries(await network.refusedConnections()), {
    'no-endpoints': 1,
    'no-such-port': 1,
    'no-local-endpoints': 1,
    'source-range': 1,
    'no-such-address': 1,
  });
});
