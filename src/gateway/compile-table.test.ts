import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HTTPRouteMatch } from '../kube/types/gateway-routes.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import { gateway, http, route, service, slice, to } from './testing/objects.ts';
import { see } from './testing/status.ts';

const edge = gateway('shop/edge', [http('http')]);
const web = service('shop/web');

test('rules are asked in precedence, across all routes of a host', () => {
  const match = (name: string, ...matches: readonly HTTPRouteMatch[]) => ({ name, matches });
  const prefix = (value: string, more: Partial<HTTPRouteMatch> = {}): HTTPRouteMatch => ({
    path: { type: 'PathPrefix', value },
    ...more,
  });
  const one = { type: 'Exact', name: 'a', value: '1' } as const;
  const two = [one, { ...one, name: 'b' }];
  const old = { creationTimestamp: '2020-01-01T00:00:00Z' };
  const seen = see([
    edge,
    route('shop/new', [
      match('root', prefix('/')),
      match('long', prefix('/a/b/c')),
      match('query', prefix('/a', { queryParams: [one] })),
      match('headers', prefix('/a', { headers: two })),
      match('header and queries', prefix('/a', { headers: [one], queryParams: two })),
    ]),
    route(
      'shop/old',
      [
        match('exact', { path: { type: 'Exact', value: '/a' } }),
        match('method', prefix('/a', { method: 'GET' })),
        match('header', prefix('/a', { headers: [one] })),
        match('prefix', prefix('/a')),
        match('prefix again', prefix('/a/')),
        match('old root', prefix('/')),
      ],
      {},
      old,
    ),
    route('shop/a-new', [match('first by name', prefix('/'))]),
  ]);
  const rules = seen.table('shop/edge').hosts['http *']?.rules ?? [];
  assert.deepEqual(
    rules.map(({ name }) => name),
    [
      'exact',
      'long',
      'method',
      'headers',
      'header and queries',
      'header',
      'query',
      'prefix',
      'prefix again',
      'old root',
      'first by name',
      'root',
    ],
  );
});

test('a host has the rules of all routes with its name, and of no others', () => {
  const hosts = (name: string, ...hostnames: readonly string[]) =>
    route(`shop/${name}`, [to('web', `/${name}`)], { hostnames });
  const seen = see([
    edge,
    web,
    hosts('a', 'a.example.com', 'b.example.com'),
    hosts('b', 'b.example.com'),
    hosts('c'),
  ]);
  const paths = Object.entries(seen.table('shop/edge').hosts).map(([key, { rules }]) => [
    key,
    rules.map(({ match }) => match.path.value),
  ]);
  assert.deepEqual(paths, [
    ['http *', ['/c']],
    ['http a.example.com', ['/a']],
    ['http b.example.com', ['/a', '/b']],
  ]);
});

test('two parentRefs to one listener do not double its rules', () => {
  const seen = see([
    edge,
    web,
    route('shop/web', [to('web')], {
      parentRefs: [
        { name: 'edge', sectionName: 'http' },
        { name: 'edge', port: 80 },
      ],
    }),
  ]);
  assert.equal(seen.table('shop/edge').hosts['http *']?.rules.length, 1);
});

const endpoints = (...objects: readonly (ReturnType<typeof service> | EndpointSlice)[]) =>
  see([edge, ...objects, route('shop/web', [to('web')])]).table('shop/edge').backends['shop/web:80']
    ?.endpoints;

test('ready endpoints of all slices are used, each once, with their pods', () => {
  const pods = slice('shop/web', [], {
    endpoints: [
      { addresses: ['10.0.0.2'], targetRef: { kind: 'Pod', name: 'web-2', namespace: 'shop' } },
      { addresses: ['10.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'web-1' } },
      { addresses: ['10.0.0.3'], conditions: { ready: false } },
    ],
  });
  assert.deepEqual(endpoints(web, pods, slice('shop/web', ['10.0.0.2', 'no address', '10.0.0.4'])), [
    { address: '10.0.0.1', port: 3000, pod: 'shop/web-1' },
    { address: '10.0.0.2', port: 3000 },
    { address: '10.0.0.4', port: 3000 },
  ]);
});

test('while none is ready, those that end are used as long as they serve', () => {
  const ending = slice('shop/web', [], {
    endpoints: [
      { addresses: ['10.0.0.1'], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: ['10.0.0.2'], conditions: { ready: false, serving: false, terminating: true } },
      { addresses: ['10.0.0.3'], conditions: { ready: false, serving: true, terminating: false } },
    ],
  });
  assert.deepEqual(endpoints(web, ending), [{ address: '10.0.0.1', port: 3000 }]);
  assert.deepEqual(endpoints(web), [], 'none at all');
});

test('of a dual-stack Service the first family that has endpoints is used', () => {
  const six = slice('shop/web', ['fd00::1'], { addressType: 'IPv6' });
  const dual = service('shop/web', undefined, { ipFamilies: ['IPv6', 'IPv4'] });
  assert.deepEqual(endpoints(dual, six, slice('shop/web', ['10.0.0.1'])), [
    { address: 'fd00::1', port: 3000 },
  ]);
  assert.deepEqual(
    endpoints(web, six),
    [{ address: 'fd00::1', port: 3000 }],
    'a slice that was written by hand',
  );
});

test('a port is found in the slices by its name', () => {
  const named = service('shop/web', [
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'metrics', port: 9090, protocol: 'TCP' },
  ]);
  const ports = [
    { name: 'metrics', port: 9999, protocol: 'TCP' as const },
    { name: 'http', port: 8080, protocol: 'TCP' as const },
  ];
  assert.deepEqual(endpoints(named, slice('shop/web', ['10.0.0.1'], { ports })), [
    { address: '10.0.0.1', port: 8080 },
  ]);
  assert.deepEqual(endpoints(named, slice('shop/web', ['10.0.0.1'], { ports: null })), []);
});

test('a Gateway that is not accepted serves nothing', () => {
  const refused = gateway('shop/edge', [http('http')], { addresses: [{ type: 'Hostname', value: 'x' }] });
  const table = see([refused, web, route('shop/web', [to('web')])]).table('shop/edge');
  assert.deepEqual([table.listeners, table.certificates], [{}, {}]);
});
