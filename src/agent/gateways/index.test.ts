import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { controlSecret } from '../../gateway/compile-objects.ts';
import {
  fairlead,
  gateway,
  http,
  https,
  namespace,
  route,
  service,
  slice,
  to,
} from '../../gateway/testing/objects.ts';
import { createClientOver } from '../../kube/client.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { Informer } from '../../kube/informer.ts';
import {
  ENDPOINT_SLICES,
  GATEWAYS,
  GATEWAY_CLASSES,
  HTTP_ROUTES,
  NAMESPACES,
  PODS,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICES,
} from '../../kube/resources.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { Pod } from '../../kube/types/pod.ts';
import { serviceOf } from '../../services/index.ts';
import { followGateways } from './index.ts';
import { StandInProxy } from './stand-in-proxy.ts';

const edge = gateway('shop/edge', [http('http')]);
const edgeWithTls: Gateway = {
  ...edge,
  metadata: { ...edge.metadata, generation: 2 },
  spec: { ...edge.spec, listeners: [http('http'), https('tls', 'cert')] },
};
const key = randomBytes(32);
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const secret = controlSecret(edge, key.toString('base64'), digest);

const proxyPod = (name = 'edge-1', phase: 'Pending' | 'Running' | 'Succeeded' = 'Running'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name,
    labels: {
      'app.kubernetes.io/name': 'fairlead-proxy',
      'gateway.networking.k8s.io/gateway-name': 'edge',
    },
  },
  spec: { nodeName: 'node-1', containers: [] },
  status: { phase, podIP: '127.0.0.1' },
});

async function start(context: TestContext, port?: number) {
  const api = new FakeApi([
    GATEWAY_CLASSES,
    GATEWAYS,
    HTTP_ROUTES,
    REFERENCE_GRANTS,
    SECRETS,
    SERVICES,
    ENDPOINT_SLICES,
    PODS,
    NAMESPACES, // the last: paths of the others begin as its own
  ]);
  api.store.put(NAMESPACES, namespace('shop'));
  api.store.put(GATEWAY_CLASSES, fairlead);
  api.store.put(GATEWAYS, edge);
  api.store.put(SECRETS, secret);
  api.store.put(SERVICES, service('shop/web'));
  api.store.put(ENDPOINT_SLICES, slice('shop/web', ['10.244.0.5']));
  api.store.put(HTTP_ROUTES, route('shop/web', [to('web')]));
  const proxy = await StandInProxy.listen('shop/edge', key, port);
  const client = createClientOver(api, { clock: systemClock });
  const stop = new AbortController();
  const { signal } = stop;
  const pods = new Informer(client, PODS, { fieldSelector: 'spec.nodeName=node-1' });
  const services = new Informer(client, SERVICES);
  const slices = new Informer(client, ENDPOINT_SLICES, { indexes: { service: one => [serviceOf(one)] } });
  for (const informer of [pods, services, slices]) informer.start(signal);
  const followed = followGateways({
    client,
    pods,
    services,
    slices,
    controlPort: proxy.port,
    clock: systemClock,
    log: silentLog,
    signal,
  });
  context.after(async () => {
    stop.abort(new Error('the test has ended'));
    await followed.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { api, followed, proxy };
}

async function until(sentence: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not in time: ${sentence}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

const pathsOf = (proxy: StandInProxy): readonly string[] =>
  Object.values(proxy.table?.hosts ?? {}).flatMap(({ rules }) => rules.map(({ match }) => match.path.value));

test('a proxy gets the whole table, then what changes', async context => {
  const { api, proxy, followed } = await start(context);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  assert.deepEqual(pathsOf(proxy), ['/']);
  assert.deepEqual(proxy.table?.backends['shop/web:80']?.endpoints, [{ address: '10.244.0.5', port: 3000 }]);
  api.store.put(HTTP_ROUTES, route('shop/api', [to('web', '/api')]));
  await until('the route is there', () => pathsOf(proxy).includes('/api'));
  api.store.put(ENDPOINT_SLICES, slice('shop/web', ['10.244.0.5', '10.244.1.5']));
  await until('the endpoint is there', () => proxy.table?.backends['shop/web:80']?.endpoints.length === 2);
  api.store.remove(HTTP_ROUTES, 'shop/api');
  await until('the route is gone', () => !pathsOf(proxy).includes('/api'));
  assert.deepEqual(
    proxy.heard.map(({ type }) => type),
    ['table', 'change', 'change', 'change'],
  );
  await until('what was sent is confirmed', () => followed.status().every(({ upToDate }) => upToDate));
  assert.deepEqual(
    followed.status().map(({ pod }) => pod),
    ['shop/edge-1'],
  );
});

test('nothing of Gateways is followed while no proxy is on the node', async context => {
  const { api, proxy } = await start(context);
  api.store.put(PODS, proxyPod('edge-1', 'Pending'));
  const watches = () =>
    api.requests.filter(request => request.includes('gateway.networking') || request.includes('secrets'));
  await until('pods are followed', () => api.requests.some(request => request.includes('/pods?')));
  assert.deepEqual(watches(), []);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  const open = api.openWatches;
  api.store.remove(PODS, 'shop/edge-1');
  await until('the watches have ended', () => api.openWatches < open - 5);
});

test('of Secrets only those are read that a Gateway with a proxy here names', async context => {
  const { api, proxy } = await start(context);
  api.store.put(GATEWAYS, edgeWithTls);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  const read = api.requests.filter(request => request.includes('secrets'));
  assert.ok(read.length > 0);
  for (const request of read)
    assert.match(
      request,
      /namespaces\/shop\/secrets\?.*fieldSelector=metadata.name%3D(cert|edge-fairlead-control)/,
    );
});

test('a proxy that ends its connection gets the whole table again', async context => {
  const { api, proxy } = await start(context);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  proxy.hangUp();
  await until('it is there again', () => proxy.heard.filter(({ type }) => type === 'table').length === 2);
});

test('a proxy that refuses a change gets the whole table', async context => {
  const { api, proxy } = await start(context);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  proxy.refuseNext = 'it could not be read';
  api.store.put(HTTP_ROUTES, route('shop/api', [to('web', '/api')]));
  await until('the route is there', () => pathsOf(proxy).includes('/api'));
  assert.deepEqual(
    proxy.heard.map(({ type }) => type),
    ['table', 'change', 'table'],
  );
});

test('a proxy keeps its table when its Gateway, or its class, is gone', async context => {
  const { api, proxy } = await start(context);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  api.store.remove(GATEWAY_CLASSES, 'fairlead');
  api.store.put(HTTP_ROUTES, route('shop/api', [to('web', '/api')]));
  api.store.put(GATEWAY_CLASSES, fairlead);
  await until('the route is there', () => pathsOf(proxy).includes('/api'));
  assert.ok(
    proxy.heard.every(message => message.type === 'table' || Object.keys(message.change.remove).length === 0),
  );
});

test('a Secret that is not there yet does not keep other listeners from being served', async context => {
  const { api, proxy } = await start(context);
  api.store.put(GATEWAYS, edgeWithTls);
  api.store.put(PODS, proxyPod());
  await until('the table is there', () => proxy.table !== undefined);
  assert.deepEqual(Object.keys(proxy.table?.listeners ?? {}), ['http']);
});
