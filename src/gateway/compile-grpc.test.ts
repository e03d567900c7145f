import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GRPCRouteMatch, GRPCRouteRule } from '../kube/types/gateway-routes.ts';
import { attach } from './compile-attachment.ts';
import { readGateway } from './compile-gateway.ts';
import { readRoute } from './compile-route.ts';
import { withoutRivals } from './compile-rivals.ts';
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
    [{ method: { type: 'RegularExpression', service: '(?=a)' } }, /is no expression of RE2/],
    [exact('shop/Cart', 'Add'), /"shop\/Cart" is no name of a service/],
    [exact('shop.Cart', 'Add?'), /"Add\?" is no name of a method/],
    [{ headers: [{ name: 'a', type: 'RegularExpression', value: '(' }] }, /is no expression of RE2/],
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
    grpcRoute('shop/same', [calls('call', exact('shop.Cart'))], { hostnames: ['calls.example'] }),
    route('shop/same', [to('cart', '/web')], { hostnames: ['web.example'] }),
  ];
  const live = new LiveTable('shop/edge', sourcesOf(objects));
  assert.equal(live.revision(), 1);
  const rules = (table = live.table()) =>
    Object.values(table.hosts).flatMap(host =>
      host.rules.map(({ provenance, protocol = 'any' }) => `${provenance.kind} ${protocol}`),
    );
  assert.deepEqual(new Set(rules()), new Set(['GRPCRoute grpc', 'HTTPRoute any']));
  objects.splice(2, 1);
  const after = new LiveTable('shop/edge', sourcesOf(objects));
  after.revision();
  assert.equal(rules(after.table()).length, 1);
});

const madeAt = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` });
const web = (name: string, hostnames: readonly string[], second = 1) =>
  route(`shop/${name}`, [to('cart')], { hostnames }, madeAt(second));
const call = (name: string, hostnames: readonly string[], second = 1) =>
  grpcRoute(`shop/${name}`, [calls('call')], { hostnames }, madeAt(second));

test('of an HTTPRoute and a GRPCRoute with a name in common the first one is accepted', () => {
  const cases: readonly (readonly [what: string, objects: readonly ClusterObject[], accepted: string])[] = [
    ['the older one', [web('a', ['x.example'], 2), call('b', ['x.example'], 1)], 'b'],
    ['by name', [call('b', ['x.example']), web('a', ['x.example'])], 'a'],
    ['every name', [web('a', []), call('b', ['x.example'])], 'a'],
    ['a wildcard', [call('a', ['*.example']), web('b', ['x.example'])], 'a'],
    ['other names', [web('a', ['x.example']), call('b', ['y.example'])], 'a b'],
    ['one kind', [web('a', ['x.example']), web('b', ['x.example'])], 'a b'],
    // What is refused itself is in nobody's way.
    [
      'a third',
      [web('a', ['x.example']), call('b', ['x.example', 'y.example']), web('c', ['y.example'])],
      'a c',
    ],
  ];
  for (const [what, objects, accepted] of cases) {
    const { attached, table, sources } = tableOf(...objects);
    const stands = withoutRivals(attached).filter(one => one.attachments[0]?.verdict.holds);
    assert.deepEqual(
      stands
        .map(one => one.route.route.metadata.name)
        .toSorted()
        .join(' '),
      accepted,
      what,
    );
    const live = new LiveTable('shop/edge', sources);
    live.revision();
    assert.deepEqual(live.table(), table, `${what}, live`);
  }
  const [, refused] = withoutRivals(tableOf(web('a', []), call('b', [])).attached);
  assert.equal(refused?.attachments[0]?.verdict.reason, 'HostnameConflict');
});

test('a route that stood in another one’s way leaves it its names when it goes', () => {
  const objects: ClusterObject[] = [edge, cart, web('a', ['x.example']), call('b', ['x.example'])];
  let sources = sourcesOf(objects);
  const following = new Proxy(sources, { get: (_, name) => Reflect.get(sources, name) as unknown });
  const live = new LiveTable('shop/edge', following);
  const kinds = () => {
    live.revision();
    return Object.values(live.table().hosts).flatMap(host => host.rules.map(one => one.provenance.kind));
  };
  assert.deepEqual(kinds(), ['HTTPRoute']);
  sources = sourcesOf(objects.toSpliced(2, 1));
  live.routeChanged('shop/a');
  assert.deepEqual(kinds(), ['GRPCRoute']);
  sources = sourcesOf(objects);
  live.routeChanged('shop/a');
  assert.deepEqual(kinds(), ['HTTPRoute']);
});
