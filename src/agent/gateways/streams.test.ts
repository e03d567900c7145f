import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { formatAddress } from '../../base/ip.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import {
  fairlead,
  gateway,
  http,
  listenerSet,
  namespace,
  service,
  slice,
  streamRoute,
} from '../../gateway/testing/objects.ts';
import { createClientOver } from '../../kube/client.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { Informer } from '../../kube/informer.ts';
import {
  ENDPOINT_SLICES,
  GATEWAYS,
  GATEWAY_CLASSES,
  LISTENER_SETS,
  NAMESPACES,
  REFERENCE_GRANTS,
  SERVICES,
  TCP_ROUTES,
  UDP_ROUTES,
} from '../../kube/resources.ts';
import { serviceOf } from '../../services/index.ts';
import { Streams } from './streams.ts';

const edge = gateway('shop/edge', [http('db', { port: 5432, protocol: 'TCP' })], {
  allowedListeners: { namespaces: { from: 'Same' } },
});
/** What the Gateway of this uid has its addresses from. */
const own = (uid: string) => {
  const made = service('shop/edge-fairlead', [{ port: 5432 }], { clusterIPs: ['10.96.0.9'] });
  const owner = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'edge', uid };
  return { ...made, metadata: { ...made.metadata, ownerReferences: [owner] } };
};

type Streamed = ReturnType<typeof streamRoute<'TCPRoute'>>;

/** `refused`: the API lets nobody see anything more than Services and slices, until `api.faults.refusals` is emptied. */
async function start(context: TestContext, ...given: readonly (Streamed | { readonly refused: true })[]) {
  const routes = given.filter(one => 'kind' in one);
  const api = new FakeApi([
    GATEWAY_CLASSES,
    GATEWAYS,
    LISTENER_SETS,
    TCP_ROUTES,
    UDP_ROUTES,
    REFERENCE_GRANTS,
    SERVICES,
    ENDPOINT_SLICES,
    NAMESPACES, // the last: paths of the others begin as its own
  ]);
  api.store.put(NAMESPACES, namespace('shop'));
  api.store.put(GATEWAY_CLASSES, fairlead);
  const { uid = '' } = api.store.put(GATEWAYS, edge).metadata;
  api.store.put(SERVICES, own(uid));
  for (const name of ['one', 'two']) api.store.put(SERVICES, service(`shop/${name}`));
  api.store.put(ENDPOINT_SLICES, slice('shop/one', ['10.244.0.1']));
  for (const route of routes) api.store.put(TCP_ROUTES, route);
  const client = createClientOver(api, { clock: systemClock });
  const stop = new AbortController();
  const { signal } = stop;
  context.after(() => stop.abort(new Error('the test has ended')));
  const services = new Informer(client, SERVICES);
  const slices = new Informer(client, ENDPOINT_SLICES, { indexes: { service: one => [serviceOf(one)] } });
  services.start(signal);
  slices.start(signal);
  await Promise.all([services.synced, slices.synced]);
  if (routes.length < given.length)
    api.faults.refusals.push(...Array.from({ length: 1000 }, () => ({ status: 403 })));
  const told = new Set<string>();
  const streams = new Streams({
    client,
    services,
    slices,
    onChange: keys => keys.forEach(key => told.add(key)),
    clock: systemClock,
    log: silentLog,
    signal,
  });
  await streams.known;
  return { api, streams, told };
}

async function until(sentence: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not in time: ${sentence}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const KEY = 'Gateway/shop/edge/db/IPv4';

/** Endpoints of a listener, with the weights of their backends. */
const endpointsOf = (streams: Streams, key = KEY): readonly string[] =>
  (streams.weighted(key)?.backends ?? []).flatMap(({ endpoints, weight }) =>
    endpoints.map(({ address }) => `${weight} ${formatAddress(address)}`),
  );

test('what is there when an agent starts is known before its Services are looked at', async context => {
  const { streams } = await start(context, streamRoute('TCPRoute', 'shop/db', { one: 1 }));
  assert.deepEqual(streams.keys(), [KEY, 'Gateway/shop/edge/db/IPv6']);
  assert.deepEqual(endpointsOf(streams), ['1 10.244.0.1']);
  assert.equal(streams.weighted('shop/one'), undefined, 'a Service is none of its listeners');
});

test('without a route nothing else is followed; one that comes is told, and so is what it leads to', async context => {
  const { api, streams, told } = await start(context);
  assert.deepEqual(streams.keys(), []);
  assert.ok(!api.requests.some(request => request.includes('/gateways')), 'Gateways are not asked for');
  api.store.put(TCP_ROUTES, streamRoute('TCPRoute', 'shop/db', { one: 1 }));
  await until('the route is told', () => told.has(KEY));
  assert.deepEqual(endpointsOf(streams), ['1 10.244.0.1']);
  told.clear();
  api.store.put(ENDPOINT_SLICES, slice('shop/one', ['10.244.0.1', '10.244.0.2']));
  await until('the endpoint is told', () => told.has(KEY) && endpointsOf(streams).length === 2);
  told.clear();
  api.store.remove(TCP_ROUTES, 'shop/db');
  await until('the end is told', () => told.has(KEY));
  assert.deepEqual(streams.keys(), []);
});

test('of two routes the first has a listener; one on a set stands beside it', async context => {
  const { api, streams, told } = await start(context, streamRoute('TCPRoute', 'shop/second', { one: 1 }));
  assert.equal(streams.weighted(KEY)?.route.name, 'second');
  api.store.put(TCP_ROUTES, streamRoute('TCPRoute', 'shop/first', { one: 1 }));
  await until('the first has it', () => streams.weighted(KEY)?.route.name === 'first');
  await until('that is told', () => told.has(KEY));
  api.store.put(LISTENER_SETS, listenerSet('shop/more', [http('own', { port: 5433, protocol: 'TCP' })]));
  const parentRefs = [{ kind: 'ListenerSet', name: 'more' }];
  api.store.put(TCP_ROUTES, streamRoute('TCPRoute', 'shop/by-set', { one: 2 }, { parentRefs }));
  const ofSet = 'Gateway/shop/edge/shop/more/own/IPv4';
  await until('the set is known', () => endpointsOf(streams, ofSet).length === 1);
  assert.equal(streams.weighted(ofSet)?.frontends[0]?.port, 5433);
});

test('a Service that has the name by chance, and is not the Gateway’s, is left alone', async context => {
  const { api, streams } = await start(context, streamRoute('TCPRoute', 'shop/db', { one: 1 }));
  assert.ok(streams.weighted(KEY));
  api.store.put(SERVICES, own('somebody-else'));
  await until('it is another’s', () => streams.weighted(KEY) === undefined);
});

test('an agent that may not see these kinds does not wait for them', { timeout: 60_000 }, async context => {
  const { api, streams } = await start(context, { refused: true });
  assert.ok(api.faults.refusals.length > 0, 'it may not see them yet');
  assert.deepEqual(streams.keys(), []);
  api.faults.refusals.length = 0;
  api.store.put(TCP_ROUTES, streamRoute('TCPRoute', 'shop/db', { one: 1 }));
  await until('it sees them when it may', () => endpointsOf(streams).length === 1);
});
