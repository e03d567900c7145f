import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GRPCRouteMatch, GRPCRouteRule } from '../kube/types/gateway-routes.ts';
import { attach } from './compile-attachment.ts';
import { readGateway } from './compile-gateway.ts';
import { readRoute } from './compile-route.ts';
import { compileTable } from './compile-table.ts';
import { LiveTable } from './live-table.ts';
import { indexTable, lookUp } from './lookup/index.ts';
import {
  type ClusterObject,
  gateway,
  grant,
  grpcRoute,
  http,
  route,
  service,
  slice,
  sourcesOf,
  to,
} from './testing/objects.ts';

const calls = (name: string, ...matches: readonly GRPCRouteMatch[]): GRPCRouteRule => ({
  name,
  matches,
  backendRefs: [{ group: '', kind: 'Service', name: 'cart', port: 80 }],
});
const exact = (serviceName?: string, method?: string): GRPCRouteMatch => ({
  method: {
    type: 'Exact',
    ...(serviceName === undefined ? {} : { service: serviceName }),
    ...(method === undefined ? {} : { method }),
  },
});
const cart = service('shop/cart', [{ port: 80, protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' }]);
const edge = gateway('shop/edge', [http('http')]);

function tableOf(...objects: readonly ClusterObject[]) {
  const sources = sourcesOf([edge, cart, slice('shop/cart', ['10.0.0.1']), ...objects]);
  const model = readGateway(edge, sources);
  const routes = objects
    .filter(object => object.kind === 'GRPCRoute' || object.kind === 'HTTPRoute')
    .map(object => readRoute(object, sources));
  const attached = routes.map(one => ({ route: one, attachments: attach(one, model, sources) }));
  return { table: compileTable(model, attached, sources), routes, attached, sources };
}

function winnerOf(
  objects: readonly ClusterObject[],
  path: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const { table } = tableOf(...objects);
  const found = lookUp(indexTable(table), {
    port: 80,
    host: 'a.example',
    method: 'POST',
    path,
    query: '',
    header: name => headers[name],
  });
  return found.outcome === 'rule' ? (found.rule.name ?? found.rule.provenance.kind) : found.outcome;
}

test('a call goes to the rule with the most of its service, then of its method, then of its headers', () => {
  const everything = grpcRoute('shop/calls', [
    calls('all', {}),
    calls('method', exact(undefined, 'Add')),
    calls('service', exact('shop.Cart')),
    calls('tenant', { ...exact('shop.Cart'), headers: [{ name: 'Tenant', value: 'a' }] }),
    calls('both', exact('shop.Cart', 'Remove')),
  ]);
  for (const [path, name] of [
    ['/shop.Cart/Remove', 'both'],
    ['/shop.Cart/Add', 'service'],
    ['/other.Cart/Add', 'method'],
    ['/other.Cart/Remove', 'all'],
    ['/shop.Cart2/Remove', 'all'],
    ['/a/b/Add', 'all'],
  ] as const)
    assert.equal(winnerOf([everything], path), name, path);
  assert.equal(winnerOf([everything], '/shop.Cart/Add', { tenant: 'a' }), 'tenant');
  assert.equal(
    winnerOf([grpcRoute('shop/calls', [calls('both', exact('shop.Cart', 'Remove'))])], '/shop.Cart/remove'),
    'no-rule',
  );
});

test('rules of a GRPCRoute say that they are, with their own names and places', () => {
  const { table } = tableOf(grpcRoute('shop/calls', [calls('first', exact('shop.Cart', 'Add'))]));
  const [rule] = table.hosts['http *']?.rules ?? [];
  assert.deepEqual(
    [rule?.protocol, rule?.name, rule?.provenance.kind, rule?.provenance.field, rule?.match.path.value],
    ['grpc', 'first', 'GRPCRoute', 'spec.rules[0].matches[0]', '/shop.Cart/Add'],
  );
  assert.equal(table.backends['shop/cart:80']?.appProtocol, 'kubernetes.io/h2c');
});

test('a match that cannot be followed keeps its rule out, and says why', () => {
  const wrong: readonly (readonly [GRPCRouteMatch, RegExp])[] = [
    [{ method: { type: 'RegularExpression', service: '.*' } }, /RegularExpression is no type of match/],
    [exact('shop/Cart', 'Add'), /"shop\/Cart" is no name of a service/],
    [exact('shop.Cart', 'Add?'), /"Add\?" is no name of a method/],
    [{ headers: [{ name: 'a', type: 'RegularExpression', value: '.' }] }, /RegularExpression is no type/],
  ];
  for (const [match, message] of wrong) {
    const { routes } = tableOf(grpcRoute('shop/calls', [calls('wrong', match)]));
    assert.equal(routes[0]?.accepted.holds, false);
    assert.match(routes[0]?.accepted.message ?? '', message);
  }
});

test('a listener that lists its kinds takes no others', () => {
  const only = gateway('shop/edge', [http('http', { allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } })]);
  const sources = sourcesOf([only, cart]);
  const model = readGateway(only, sources);
  const verdict = (object: Parameters<typeof readRoute>[0]) =>
    attach(readRoute(object, sources), model, sources)[0]?.verdict.reason;
  assert.equal(verdict(grpcRoute('shop/calls', [])), 'NotAllowedByListeners');
  assert.equal(verdict(route('shop/web', [])), 'Accepted');
});

test('a Service of another namespace has to be granted to GRPCRoutes, not to HTTPRoutes', () => {
  const elsewhere = { ...calls('far'), backendRefs: [{ name: 'cart', namespace: 'other', port: 80 }] };
  const far = [grpcRoute('shop/calls', [elsewhere]), service('other/cart')] as const;
  const reason = (kind: string) =>
    tableOf(...far, grant('other/g', { kind, namespace: 'shop' }, { kind: 'Service' })).routes[0]
      ?.resolvedRefs.reason;
  assert.equal(reason('HTTPRoute'), 'RefNotPermitted');
  assert.equal(reason('GRPCRoute'), 'ResolvedRefs');
});

test('routes of two kinds with the same name are two routes, also when one of them changes', () => {
  const objects: ClusterObject[] = [
    edge,
    cart,
    grpcRoute('shop/same', [calls('call', exact('shop.Cart'))]),
    route('shop/same', [to('cart', '/web')]),
  ];
  const live = new LiveTable('shop/edge', sourcesOf(objects));
  assert.equal(live.revision(), 1);
  assert.deepEqual(
    live.table().hosts['http *']?.rules.map(({ provenance, protocol }) => [provenance.kind, protocol]),
    [
      ['GRPCRoute', 'grpc'],
      ['HTTPRoute', undefined],
    ],
  );
  objects.splice(2, 1);
  const after = new LiveTable('shop/edge', sourcesOf(objects));
  after.revision();
  assert.equal(after.table().hosts['http *']?.rules.length, 1);
});
