import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainRequest } from './decide.ts';
import { compileIngresses } from './ingress/compile-ingress.ts';
import { indexTable } from './lookup/index.ts';
import type { LookupRequest } from './lookup/index.ts';
import { gateway, http, route, service, slice, to } from './testing/objects.ts';
import { see } from './testing/status.ts';

const table = see([
  gateway('shop/edge', [
    http('any'),
    http('wild', { hostname: '*.example.com' }),
    http('exact', { hostname: 'shop.example.com' }),
  ]),
  service('shop/web'),
  service('shop/idle'),
  slice('shop/web', ['10.0.0.1']),
  route('shop/web', [
    { matches: [{ path: { type: 'Exact', value: '/cart' } }] },
    { matches: [{ path: { type: 'PathPrefix', value: '/api' }, method: 'POST' }] },
    {
      matches: [{ path: { type: 'PathPrefix', value: '/api' }, headers: [{ name: 'X-Beta', value: 'yes' }] }],
    },
    { matches: [{ path: { type: 'PathPrefix', value: '/api' }, queryParams: [{ name: 'v', value: '2' }] }] },
    {
      ...to('web', '/api'),
      backendRefs: [
        { name: 'web', port: 80, weight: 3 },
        { name: 'idle', port: 80, weight: 1 },
        { name: 'gone', port: 80, weight: 0 },
      ],
    },
  ]),
]).table('shop/edge');
const index = indexTable(table);

const explain = (more: Partial<LookupRequest> = {}) =>
  explainRequest(table, index, {
    port: 80,
    host: 'shop.example.com',
    method: 'GET',
    path: '/api/x',
    query: 'v=1',
    header: name => (name === 'x-beta' ? 'no' : undefined),
    ...more,
  });

test('a request is explained by its rule, its backends, and each rule that was asked before', () => {
  const { lookup, rules, backends } = explain();
  assert.ok(lookup.outcome === 'rule');
  assert.equal(lookup.rule.provenance.field, 'spec.rules[4].matches[0]');
  assert.deepEqual(
    rules.map(({ provenance, sentence }) => [provenance.field, sentence]),
    [
      ['spec.rules[0].matches[0]', 'its path is exactly /cart, that of the request is /api/x'],
      ['spec.rules[1].matches[0]', 'its method is POST, that of the request is GET'],
      ['spec.rules[2].matches[0]', 'the header x-beta has to be "yes" and is "no"'],
      ['spec.rules[3].matches[0]', 'the query parameter v has to be "2" and is "1"'],
    ],
  );
  assert.deepEqual(
    backends.map(one => [one.service, one.share, one.endpoints.length, one.provenance.field]),
    [
      ['shop/web', 0.75, 1, 'spec.rules[4].backendRefs[0]'],
      ['shop/idle', 0.25, 0, 'spec.rules[4].backendRefs[1]'],
      [undefined, 0, 0, 'spec.rules[4].backendRefs[2]'],
    ],
  );
});

test('the other listeners of the port are told, with the names that they are for', () => {
  const words = (host: string) => explain({ host }).listeners.map(({ sentence }) => sentence);
  assert.deepEqual(words('shop.example.com'), [
    'listener exact is for shop.example.com, which is more specific than every name',
    'listener exact is for shop.example.com, which is more specific than *.example.com',
  ]);
  assert.deepEqual(words('example.net'), [
    'listener exact is for shop.example.com',
    'listener wild is for *.example.com',
  ]);
});

test('where no rule matches, each says why; where nobody listens, nobody is asked', () => {
  const none = explain({ path: '/' });
  assert.equal(none.lookup.outcome, 'no-rule');
  assert.equal(none.rules.length, 5);
  assert.deepEqual(none.backends, []);
  const nobody = explain({ port: 81 });
  assert.deepEqual([nobody.lookup.outcome, nobody.listeners, nobody.rules], ['no-listener', [], []]);
});

test('what came second is told with what sets the two apart, and rules behind it with why they do not match', () => {
  const { second, later } = explain({ method: 'POST', query: 'v=2', header: () => 'yes' });
  assert.deepEqual(
    [second?.provenance.field, second?.sentence],
    ['spec.rules[2].matches[0]', 'it matches too, and comes second: it names no method'],
  );
  assert.deepEqual(
    later.map(({ provenance, sentence }) => [provenance.field, sentence]),
    [
      ['spec.rules[3].matches[0]', 'it matches, and is asked later'],
      ['spec.rules[4].matches[0]', 'it matches, and is asked later'],
    ],
  );
});

test('expressions are told as expressions', () => {
  const { table: other } = {
    table: see([
      gateway('shop/edge', [http('any')]),
      service('shop/web'),
      route('shop/web', [
        {
          ...to('web'),
          matches: [
            { path: { type: 'RegularExpression', value: '/v[0-9]+' } },
            {
              path: { type: 'PathPrefix', value: '/' },
              headers: [{ type: 'RegularExpression', name: 'X-Beta', value: 'y.*' }],
            },
          ],
        },
      ]),
    ]).table('shop/edge'),
  };
  const { rules } = explainRequest(other, indexTable(other), {
    port: 80,
    host: 'a.example',
    method: 'GET',
    path: '/x',
    query: '',
    header: name => (name === 'x-beta' ? 'no' : undefined),
  });
  assert.deepEqual(
    rules.map(({ sentence }) => sentence),
    [
      'its path has to match /v[0-9]+, that of the request is /x',
      'the header x-beta has to match "y.*" and is "no"',
    ],
  );
});

test('hosts that hold the name too and are less specific are told', () => {
  const other = see([
    gateway('shop/edge', [http('any')]),
    service('shop/web'),
    route('shop/exact', [to('web')], { hostnames: ['a.example.com'] }),
    route('shop/wild', [to('web')], { hostnames: ['*.example.com'] }),
    route('shop/other', [to('web')], { hostnames: ['b.example.com'] }),
  ]).table('shop/edge');
  const { hosts } = explainRequest(other, indexTable(other), {
    port: 80,
    host: 'a.example.com',
    method: 'GET',
    path: '/',
    query: '',
    header: () => undefined,
  });
  assert.deepEqual(
    hosts.map(({ provenance, sentence }) => [provenance.name, sentence]),
    [['wild', 'it is for *.example.com, which is less specific than a.example.com']],
  );
});

test('a wildcard of an Ingress is told as one label, and a default backend as what no path takes', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const ingress = (name: string, spec: object) => ({
    apiVersion: 'networking.k8s.io/v1' as const,
    kind: 'Ingress' as const,
    metadata: { name, namespace: 'shop' },
    spec,
  });
  const paths = [{ path: '/', pathType: 'Prefix' as const, backend }];
  const { backends: _, ...routing } = compileIngresses(
    { metadata: { name: 'fairlead' } },
    [
      ingress('wild', { rules: [{ host: '*.example.com', http: { paths } }] }),
      ingress('all', { defaultBackend: backend }),
    ],
    {
      service: () => undefined,
      secret: () => undefined,
      certificate: () => ({ problem: 'there is none' }),
    },
  );
  const ingressTable = { ...routing, backends: {} };
  const told = (host: string) =>
    explainRequest(ingressTable, indexTable(ingressTable), {
      port: 80,
      host,
      method: 'GET',
      path: '/',
      query: '',
      header: () => undefined,
    });
  assert.deepEqual(
    told('a.b.example.com').hosts.map(({ sentence }) => sentence),
    ['it is for *.example.com, whose wildcard stands for one label'],
  );
  assert.equal(
    told('a.example.com').second?.sentence,
    'it matches too, and comes second: a default backend has what no path takes',
  );
});
