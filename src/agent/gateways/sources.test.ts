import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { LiveTable } from '../../gateway/live-table.ts';
import {
  fairlead,
  gateway,
  http,
  namespace,
  route,
  service,
  tlsPolicy,
  to,
} from '../../gateway/testing/objects.ts';
import { createClientOver } from '../../kube/client.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { Informer } from '../../kube/informer.ts';
import {
  BACKEND_TLS_POLICIES,
  ENDPOINT_SLICES,
  GATEWAYS,
  GATEWAY_CLASSES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  LISTENER_SETS,
  NAMESPACES,
  REFERENCE_GRANTS,
  SERVICES,
  TLS_ROUTES,
} from '../../kube/resources.ts';
import { serviceOf } from '../../services/index.ts';
import { TableSources } from './sources.ts';

const edge = gateway('shop/edge', [http('http')]);

/** The table of Gateway shop/edge, whose route leads to a Service that speaks TLS. */
async function start(context: TestContext) {
  const api = new FakeApi([
    GATEWAY_CLASSES,
    GATEWAYS,
    HTTP_ROUTES,
    GRPC_ROUTES,
    TLS_ROUTES,
    LISTENER_SETS,
    BACKEND_TLS_POLICIES,
    REFERENCE_GRANTS,
    SERVICES,
    ENDPOINT_SLICES,
    NAMESPACES, // the last: paths of the others begin as its own
  ]);
  api.store.put(NAMESPACES, namespace('shop'));
  api.store.put(GATEWAY_CLASSES, fairlead);
  api.store.put(GATEWAYS, edge);
  api.store.put(SERVICES, service('shop/web', [{ port: 80, appProtocol: 'https' }]));
  api.store.put(HTTP_ROUTES, route('shop/web', [to('web')]));
  const client = createClientOver(api, { clock: systemClock });
  const stop = new AbortController();
  context.after(() => stop.abort(new Error('the test has ended')));
  const services = new Informer(client, SERVICES);
  const slices = new Informer(client, ENDPOINT_SLICES, { indexes: { service: one => [serviceOf(one)] } });
  services.start(stop.signal);
  slices.start(stop.signal);
  const nothing = () => undefined;
  const sources = new TableSources({
    client,
    services,
    slices,
    secret: nothing,
    configMap: nothing,
    clock: systemClock,
    log: silentLog,
  });
  const table = new LiveTable('shop/edge', sources.live);
  await sources.start(stop.signal, {
    gateways: () => table.gatewayChanged(),
    route: key => table.routeChanged(key),
    endpoints: key => table.endpointsChanged(key),
  });
  const tableNow = () => {
    table.revision();
    return table.table();
  };
  await until('the route is there', () => table.revision() !== undefined);
  return { api, tableNow };
}

async function until(sentence: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not in time: ${sentence}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

test('a backend that speaks TLS is one while a policy says how it is known, and none before and after', async context => {
  const { api, tableNow } = await start(context);
  const leadsSomewhere = () => {
    const [host] = Object.values(tableNow().hosts);
    return host?.rules[0]?.backends[0]?.backend !== undefined;
  };
  assert.equal(leadsSomewhere(), false, 'nobody says how it is known');
  api.store.put(BACKEND_TLS_POLICIES, tlsPolicy('shop/web', { name: 'web' }));
  await until('the policy makes it a backend', leadsSomewhere);
  api.store.remove(BACKEND_TLS_POLICIES, 'shop/web');
  await until('it is none any more', () => !leadsSomewhere());
});

test('an option that is annotated later is in the table, and goes with its annotation', async context => {
  const { api, tableNow } = await start(context);
  const limit = () => tableNow().listeners['http']?.options?.bodyLimit;
  assert.equal(limit(), undefined);
  const annotations = { 'fairlead.dev/max-body-bytes': '1000' };
  api.store.put(GATEWAYS, { ...edge, metadata: { ...edge.metadata, annotations } });
  await until('it is in force', () => limit() === 1000);
  api.store.put(GATEWAYS, edge);
  await until('it is gone', () => limit() === undefined);
});
