import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service, ServiceSpec } from '../../src/kube/types/service.ts';
import {
  ask,
  attempt,
  meet,
  nodeAddresses,
  outsiders,
  serverPort,
  servicePrefixes,
  service,
  slice,
  startNode,
  tcpServers,
  udpServers,
} from './services-node.ts';
import type { ServiceNode } from './services-node.ts';

const families = [4, 6] as const;
const at = { 4: nodeAddresses[0], 6: nodeAddresses[1] } as const;
const nodeSide = { 4: nodeAddresses[0], 6: nodeAddresses[1] } as const;
const external = { 4: '203.0.113.5', 6: '2001:db8::5' } as const;

function exposed(spec: Partial<ServiceSpec> = {}): Service {
  const ports = [
    { name: 'http', port: 80, nodePort: 30_080 },
    { name: 'dns', port: 53, protocol: 'UDP' as const, nodePort: 30_053 },
  ];
  return service('web', ['10.96.0.10', 'fd00:10:96::10'], { type: 'NodePort', ports, ...spec });
}

function spread({ places }: ServiceNode, here: number): readonly EndpointSlice[] {
  return families.map(family => {
    const one = slice('web', places[family].slice(0, 4));
    const endpoints = (one.endpoints ?? []).map((endpoint, index) => ({
      ...endpoint,
      nodeName: index < here ? 'node-1' : 'node-2',
    }));
    return { ...one, endpoints };
  });
}

test('a node port leads pods, the node and clients outside to all endpoints, in both families, TCP and UDP', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  await udpServers(context, node.servers, [...places[4], ...places[6]], serverPort);
  objects.put(exposed(), ...spread(node, 0));
  await node.network().load();
  for (const family of families) {
    for (const from of [node.outside, node.client, node.node]) {
      assert.ok(places[family].includes((await meet(from, at[family], 30_080)).reached));
      assert.ok(places[family].includes(await ask(from, at[family], 30_053)));
    }
    const { from } = await meet(node.outside, at[family], 30_080);
    assert.equal(
      from,
      nodeSide[family],
      'the endpoint may be on another node: it has to answer through this one',
    );
  }
});

test('a node port with externalTrafficPolicy Local keeps the client’s address and stays on its node', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  node.objects.put(exposed({ externalTrafficPolicy: 'Local' }), ...spread(node, 1));
  await network.load();
  for (const family of families)
    assert.deepEqual(await meet(node.outside, at[family], 30_080), {
      reached: node.places[family][0],
      port: serverPort,
      from: outsiders[family],
    });
  node.objects.put(...spread(node, 0));
  await network.change('shop/web');
  assert.equal((await attempt(node.outside, at[4], 30_080)).outcome, 'unanswered');
  assert.equal((await attempt(node.client, at[4], 30_080)).outcome, 'connected', 'pods take the short way');
});

test('a node port without endpoints is refused, and the node’s other ports are the node’s own', async context => {
  const node = startNode(context);
  await tcpServers(context, node.node, 2222);
  node.objects.put(exposed());
  await node.network().load();
  for (const family of families) {
    for (const from of [node.outside, node.client, node.node])
      assert.equal((await attempt(from, at[family], 30_080)).outcome, 'ECONNREFUSED');
    assert.equal((await attempt(node.outside, at[family], 2222)).outcome, 'connected');
  }
});

test('node ports follow the node’s addresses', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  node.objects.put(exposed(), ...spread(node, 1));
  await network.load();
  assert.equal(network.move({ node: 'node-1', addresses: [], nodePortAddresses: [], servicePrefixes }), true);
  await network.load();
  assert.equal((await attempt(node.outside, at[4], 30_080)).outcome, 'ECONNREFUSED');
  assert.equal(
    network.move({ node: 'node-1', addresses: [], nodePortAddresses: [], servicePrefixes }),
    false,
  );
});

test('an external address leads to the Service like a load balancer’s; other ports of it are left alone', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  const externalIPs = [...Object.values(external), 'nonsense'];
  node.objects.put(exposed({ type: 'ClusterIP', externalIPs }), ...spread(node, 1));
  await network.load();
  for (const family of families) {
    for (const from of [node.outside, node.client, node.node])
      assert.equal((await attempt(from, external[family], 80)).outcome, 'connected');
    assert.equal((await meet(node.outside, external[family], 80)).from, nodeSide[family]);
    assert.notEqual((await attempt(node.outside, external[family], 81)).outcome, 'connected');
  }
  assert.match(network.problems()[0]?.sentence ?? '', /"nonsense" is no address/);
  const local = { type: 'ClusterIP', externalIPs, externalTrafficPolicy: 'Local' } as const;
  node.objects.put(exposed(local));
  await network.change('shop/web');
  for (const family of families)
    assert.deepEqual(await meet(node.outside, external[family], 80), {
      reached: node.places[family][0],
      port: serverPort,
      from: outsiders[family],
    });
});
