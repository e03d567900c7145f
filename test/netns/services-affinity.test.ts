import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import type { Service, ServiceSpec } from '../../src/kube/types/service.ts';
import {
  attempt,
  meet,
  nodeAddresses,
  serverPort,
  service,
  slice,
  startNode,
  tcpServers,
} from './services-node.ts';
import type { ServiceNode } from './services-node.ts';

const families = [4, 6] as const;
const cluster = { 4: '10.96.0.10', 6: 'fd00:10:96::10' } as const;
const external = { 4: '203.0.113.5', 6: '2001:db8::5' } as const;

function sticky(timeoutSeconds: number, spec: Partial<ServiceSpec> = {}): Service {
  return service('web', Object.values(cluster), {
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds } },
    ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
    type: 'NodePort',
    externalIPs: Object.values(external),
    ...spec,
  });
}

function put(node: ServiceNode, one: Service, count: number, from = 0): void {
  const of = (family: 4 | 6) => slice('web', node.places[family].slice(from, from + count));
  node.objects.put(one, of(4), of(6));
}

/** Whom connections met, one after the other. */
async function met(from: string, address: string, port = 80, times = 6): Promise<readonly string[]> {
  const reached = new Set<string>();
  for (let turn = 0; turn < times; turn++) reached.add((await meet(from, address, port)).reached);
  return [...reached];
}

test('a client stays with its endpoint at all addresses of the Service, whatever happens to the others', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  put(node, sticky(10_800), 4);
  await network.load();
  for (const [index, family] of families.entries()) {
    const own = await met(node.client, cluster[family]);
    assert.equal(own.length, 1);
    assert.deepEqual(await met(node.client, external[family]), own);
    assert.deepEqual(await met(node.client, nodeAddresses[index] ?? '', 30_080), own);
  }
  const [mine = ''] = await met(node.client, cluster[4]);
  const others = node.places[4].filter(place => place !== mine);
  node.objects.put(slice('web', [...others.slice(2), mine]));
  await network.change('shop/web');
  assert.deepEqual(await met(node.client, cluster[4]), [mine], 'some went, some came');
  node.objects.put(slice('web', others));
  await network.change('shop/web');
  const [next = ''] = await met(node.client, cluster[4]);
  assert.ok(others.includes(next), 'its own went: another is chosen');
  assert.deepEqual(await met(node.client, cluster[4]), [next], 'and kept');
  assert.equal((await network.reconcile()).corrections, 0);
});

test('a client is forgotten when its time is over; each new connection prolongs it', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  put(node, sticky(2), 7);
  await node.network().load();
  const [own = ''] = await met(node.client, cluster[4], 80, 1);
  for (let turn = 0; turn < 4; turn++) {
    await sleep(1000); // the time that is told of
    assert.deepEqual(await met(node.client, cluster[4], 80, 1), [own]);
  }
  const seen = new Set<string>();
  for (let turn = 0; turn < 6 && seen.size < 2; turn++) {
    await sleep(2500);
    for (const one of await met(node.client, cluster[4], 80, 1)) seen.add(one);
  }
  assert.ok(seen.size > 1, 'seven endpoints: the same one six times has a chance of 1 in 16,807');
});

test('affinity can be switched on and off, and its time be changed', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  put(node, sticky(60, { sessionAffinity: 'None' }), 7);
  await network.load();
  assert.ok((await met(node.client, cluster[4], 80, 20)).length > 1);
  put(node, sticky(60), 7);
  await network.change('shop/web');
  const own = await met(node.client, cluster[4]);
  assert.equal(own.length, 1);
  put(node, sticky(600), 7);
  await network.change('shop/web');
  assert.deepEqual(await met(node.client, cluster[4]), own);
  put(node, sticky(60, { sessionAffinity: 'None' }), 7);
  await network.change('shop/web');
  assert.ok((await met(node.client, cluster[4], 80, 20)).length > 1);
  await network.reconcile();
  const listing = JSON.stringify(await node.list('list table inet fairlead-services'));
  assert.doesNotMatch(listing, /sticky-|affinity4-/, 'what nobody needs any more is taken away');
  assert.equal((await network.reconcile()).corrections, 0);
});

test('with externalTrafficPolicy Local a client outside is never led to another node by what it had before', async context => {
  const node = startNode(context);
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  const remote = (family: 4 | 6) => {
    const one = slice('web', node.places[family].slice(0, 2));
    const endpoints = (one.endpoints ?? []).map((endpoint, index) => ({
      ...endpoint,
      nodeName: index === 0 ? 'node-1' : 'node-2',
    }));
    return { ...one, endpoints };
  };
  node.objects.put(sticky(60), { ...remote(4), endpoints: (remote(4).endpoints ?? []).slice(1) });
  await network.load();
  assert.deepEqual(await met(node.outside, external[4]), [node.places[4][1]]);
  node.objects.put(sticky(60, { externalTrafficPolicy: 'Local' }), remote(4));
  await network.change('shop/web');
  assert.deepEqual(await met(node.outside, external[4]), [node.places[4][0]]);
  assert.equal((await attempt(node.outside, cluster[4], 80)).outcome, 'connected');
});
