import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseTarget, indexTable, lookUp } from '../lookup/index.ts';
import { compileIngresses } from './compile-ingress.ts';
import { LiveIngressTable } from './live-table.ts';
import type { LiveIngressSources } from './live-table.ts';

const ingressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'fairlead', uid: 'class' },
  spec: { controller: 'fairlead.dev/ingress-controller' },
} as const;

const serviceNamed = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'web', port: 80, targetPort: 8080 }], ...spec },
});

const to = (name: string, port: object = { number: 80 }) => ({ service: { name, port } });
const path = (value: string, name: string, pathType = 'Prefix', port?: object) => ({
  path: value,
  pathType,
  backend: to(name, port),
});
const rule = (host: string | undefined, ...paths: readonly object[]) => ({
  ...(host === undefined ? {} : { host }),
  http: { paths },
});
let made = 0;
const ingress = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name,
    namespace: 'shop',
    creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, made++)).toISOString(),
    ...metadata,
  },
  spec: { ingressClassName: 'fairlead', ...spec },
});

const names = ['a', 'b', 'c', 'd'];
function sourcesOf(ingresses: readonly object[], slices: Readonly<Record<string, readonly object[]>> = {}) {
  // Test objects hold what is read and no more.
  return {
    ingressClass: () => ingressClass,
    ingressesOf: () => ingresses,
    service: (key: string) => {
      const name = key.split('/')[1] ?? '';
      return names.includes(name) ? serviceNamed(name) : undefined;
    },
    secret: (key: string) =>
      key === 'shop/none' ? undefined : { metadata: { name: key.split('/')[1] ?? '', namespace: 'shop' } },
    certificate: (secret: { readonly metadata: { readonly name: string } }) =>
      secret.metadata.name === 'broken'
        ? { problem: 'its key does not belong to its certificate' }
        : { certificate: { id: secret.metadata.name, chain: 'chain', key: 'key' } },
    slices: (key: string) => slices[key] ?? [],
  } as unknown as LiveIngressSources;
}

function seen(...ingresses: readonly object[]) {
  const sources = sourcesOf(ingresses);
  const table = new LiveIngressTable('fairlead', sources);
  table.revision();
  const index = indexTable(table.table());
  return {
    problems: compileIngresses(ingressClass, sources.ingressesOf('fairlead'), sources).problems.map(
      ({ provenance, sentence }) => `${provenance.name} ${provenance.field}: ${sentence}`,
    ),
    /** The Service that has a request; `404`, or `no listener`. */
    of: (url: string): string => {
      const { hostname, pathname, protocol, search } = new URL(url);
      const target = normaliseTarget(`${pathname}${search}`);
      assert.ok(target);
      const isTls = protocol === 'https:';
      const found = lookUp(index, {
        port: isTls ? 443 : 80,
        ...(isTls ? { serverName: hostname } : {}),
        host: hostname,
        method: 'GET',
        ...target,
        header: () => undefined,
      });
      if (found.outcome !== 'rule') return found.outcome === 'no-listener' ? 'no listener' : '404';
      return found.rule.backends[0]?.backend ?? '500';
    },
  };
}

test('paths are matched element by element, the exact and the longer first (networking.k8s.io/v1 HTTPIngressPath)', () => {
  const { of } = seen(
    ingress('web', {
      rules: [
        rule(
          'x.example',
          path('/', 'a'),
          path('/aaa/bbb', 'b'),
          path('/aaa/bbb/', 'c', 'Exact'),
          path('/ccc', 'd', 'ImplementationSpecific'),
        ),
      ],
    }),
  );
  for (const [asked, service] of [
    ['/', 'a'],
    ['/aaa', 'a'],
    ['/aaa/bbb', 'b'],
    ['/aaa/bbb/', 'c'],
    ['/aaa/bbb/ccc', 'b'],
    ['/aaa/bbbxyz', 'a'],
    ['/ccc', 'd'],
    ['/ccc/1', 'd'],
    ['/cccx', 'a'],
  ] as const)
    assert.equal(of(`http://x.example${asked}`), `shop/${service}:80`, asked);
});

test('a wildcard stands for one label, and comes after the name itself (IngressRule.host)', () => {
  const { of } = seen(
    ingress('web', {
      rules: [
        rule('*.foo.com', path('/', 'a')),
        rule('bar.foo.com', path('/', 'b')),
        rule(undefined, path('/', 'c')),
      ],
    }),
  );
  assert.equal(of('http://bar.foo.com/'), 'shop/b:80');
  assert.equal(of('http://baz.foo.com/'), 'shop/a:80');
  assert.equal(of('http://baz.bar.foo.com/'), 'shop/c:80');
  assert.equal(of('http://foo.com/'), 'shop/c:80');
});

test('what no path takes is the default backend’s: of the host’s Ingress, else of one without rules, else 404', () => {
  const own = ingress('own', { defaultBackend: to('a'), rules: [rule('own.example', path('/x', 'b'))] });
  const plain = ingress('plain', { rules: [rule('plain.example', path('/x', 'b'))] });
  const before = seen(own, plain);
  assert.equal(before.of('http://own.example/y'), 'shop/a:80');
  assert.equal(before.of('http://plain.example/y'), '404');
  assert.equal(before.of('http://other.example/'), '404');
  const { of } = seen(own, plain, ingress('rest', { defaultBackend: to('c') }));
  assert.equal(of('http://own.example/y'), 'shop/a:80');
  assert.equal(of('http://plain.example/y'), 'shop/c:80');
  assert.equal(of('http://other.example/'), 'shop/c:80');
});

test('of two Ingresses with the same host and path the older one has it; others are merged', () => {
  const older = ingress('older', { rules: [rule('x.example', path('/', 'a'))] });
  const younger = ingress('younger', { rules: [rule('x.example', path('/', 'b'), path('/y', 'c'))] });
  for (const list of [
    [older, younger],
    [younger, older],
  ]) {
    const { of } = seen(...list);
    assert.equal(of('http://x.example/'), 'shop/a:80');
    assert.equal(of('http://x.example/y'), 'shop/c:80');
  }
});

test('names with a certificate are served over TLS, others not', () => {
  const { of, problems } = seen(
    ingress('web', {
      tls: [{ hosts: ['x.example', '*.w.example'], secretName: 'cert' }],
      rules: [
        rule('x.example', path('/', 'a')),
        rule('a.w.example', path('/', 'b')),
        rule('*.w.example', path('/', 'c')),
        rule('y.example', path('/', 'd')),
      ],
    }),
    ingress('all', { tls: [{ secretName: 'cert' }], rules: [rule('z.example', path('/', 'd'))] }),
    ingress('none', { tls: [{ hosts: ['n.example'], secretName: 'none' }, { hosts: ['m.example'] }] }),
    ingress('broken', { tls: [{ hosts: ['b.example'], secretName: 'broken' }] }),
  );
  assert.equal(of('https://x.example/'), 'shop/a:80');
  assert.equal(of('http://x.example/'), 'shop/a:80');
  assert.equal(of('https://a.w.example/'), 'shop/b:80');
  assert.equal(of('https://b.w.example/'), 'shop/c:80');
  assert.equal(of('https://y.example/'), 'no listener');
  assert.equal(of('https://z.example/'), 'shop/d:80');
  assert.deepEqual(problems, [
    'none spec.tls[0].secretName: there is no Secret shop/none: n.example is not served over TLS',
    'none spec.tls[1].secretName: it names no Secret: m.example is not served over TLS',
    'broken spec.tls[0].secretName: Secret shop/broken: its key does not belong to its certificate',
  ]);
});

test('what cannot be followed is said with its field, and the rest is served', () => {
  const { of, problems } = seen(
    ingress('web', {
      rules: [
        rule(
          'x.example',
          path('/gone', 'gone'),
          path('/port', 'a', 'Prefix', { number: 81 }),
          path('/named', 'a', 'Prefix', { name: 'web' }),
          path('/a|b', 'a', 'ImplementationSpecific'),
          { path: '/bucket', pathType: 'Prefix', backend: { resource: { kind: 'Bucket', name: 'x' } } },
          path('/', 'b'),
        ),
      ],
    }),
  );
  assert.equal(of('http://x.example/named'), 'shop/a:80');
  assert.equal(of('http://x.example/gone'), 'shop/gone:0');
  assert.equal(of('http://x.example/bucket'), '500');
  assert.equal(of('http://x.example/'), 'shop/b:80');
  assert.deepEqual(problems, [
    'web spec.rules[0].http.paths[0].backend.service: there is no Service shop/gone',
    'web spec.rules[0].http.paths[1].backend.service.port: Service shop/a has no TCP port 81',
    'web spec.rules[0].http.paths[3].path: "/a|b" is no absolute path',
    'web spec.rules[0].http.paths[4].backend: Bucket is no backend that is served; a Service is',
  ]);
});

test('a table is told by its changes, and endpoints cost what changed', () => {
  const slices: Record<string, readonly object[]> = {};
  const list = [ingress('web', { rules: [rule('x.example', path('/', 'a'), path('/b', 'b'))] })];
  const table = new LiveIngressTable('fairlead', sourcesOf(list, slices));
  assert.equal(table.revision(), 1);
  slices['shop/a'] = [
    {
      metadata: { name: 'a-1', namespace: 'shop' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: [{ name: 'web', port: 8080 }],
    },
  ];
  assert.equal(table.revision(), 1, 'nobody told of a change');
  table.endpointsChanged('shop/a');
  assert.equal(table.revision(), 2);
  assert.deepEqual(table.since(1), {
    put: {
      backends: {
        'shop/a:80': { service: 'shop/a', port: 80, endpoints: [{ address: '10.0.0.1', port: 8080 }] },
      },
    },
    remove: {},
  });
  list.pop();
  table.changed();
  assert.equal(table.revision(), 3);
  assert.deepEqual(table.table().hosts, {});
  assert.deepEqual(Object.keys(table.since(1)?.remove ?? {}).toSorted(), ['backends', 'hosts']);
});

test('thousands of hosts with certificates are compiled in one go', () => {
  const many = Array.from({ length: 3000 }, (_, at) =>
    ingress(`web-${at}`, {
      tls: [{ hosts: [`h${at}.example`], secretName: 'cert' }],
      rules: [rule(`h${at}.example`, path('/', 'a'))],
    }),
  );
  const { of } = seen(...many);
  assert.equal(of('https://h2999.example/'), 'shop/a:80');
});

test('a port that the Service has not leads nowhere, also where its only port has no name', () => {
  const slice = { addressType: 'IPv4', ports: [{ port: 8080 }], endpoints: [{ addresses: ['10.0.0.1'] }] };
  const ingresses = [
    ingress('web', {
      rules: [
        rule(
          'x.example',
          path('/', 'a'),
          path('/one', 'a', 'Exact', { number: 81 }),
          path('/two', 'a', 'Exact', { name: 'no' }),
        ),
      ],
    }),
  ];
  const table = new LiveIngressTable('fairlead', {
    ...sourcesOf(ingresses, { 'shop/a': [slice] }),
    service: () => serviceNamed('a', { ports: [{ port: 80, targetPort: 8080 }] }),
  } as unknown as LiveIngressSources); // what is read, and no more
  table.revision();
  assert.deepEqual(
    Object.entries(table.table().backends).map(([key, { endpoints }]) => [key, endpoints.length]),
    [
      ['shop/a:0', 0],
      ['shop/a:80', 1],
    ],
  );
});
