import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HTTPRoute } from '../../../../kube/types/gateway-routes.ts';
import type { Gateway, ListenerSet } from '../../../../kube/types/gateway.ts';
import type { Ingress } from '../../../../kube/types/networking.ts';
import { readIngresses } from '../read.ts';
import { convertIngresses } from './convert.ts';
import { BEYOND, targetOf } from './target.ts';
import { FEATURES, convert, ingress, objects, plain, rules, verdict } from './testing/written.ts';
import type { Written } from './testing/written.ts';

test('a redirect of one Ingress does not answer for paths of others that go to HTTPS', () => {
  const conversion = convert([
    {
      name: 'old',
      age: 1,
      tls: 'cert',
      paths: ['Prefix /x web'],
      annotations: { 'permanent-redirect': 'https://b.example/?q' },
    },
    { name: 'new', paths: ['Prefix /a web'] },
  ]);
  assert.deepEqual(rules(conversion).slice(3), [
    'a.example http: PathPrefix /x → 500',
    'a.example http: PathPrefix /a → 308 https',
    'a.example http: PathPrefix / → 500',
  ]);
});

test('of two Ingresses with a path the older one has it; of the same age the greater name', () => {
  const older = convert([
    { name: 'a', age: 1, paths: ['Prefix / old'] },
    { name: 'b', paths: ['Prefix / new'] },
  ]);
  assert.deepEqual(rules(older), plain('PathPrefix / → old'));
  assert.match(older.unserved[0]?.why ?? '', /shop\/a, which comes first/);
  const equal = convert([
    { name: 'a', paths: ['Prefix / a'] },
    { name: 'b', paths: ['Prefix / b'] },
  ]);
  assert.deepEqual(rules(equal), plain('PathPrefix / → b'));
});

test('one Ingress makes regular expressions of all paths of the host, also of other Ingresses', () => {
  const conversion = convert([
    { name: 'a', paths: ['Exact /exact web'] },
    { name: 'b', paths: ['ImplementationSpecific /b.* web'], annotations: { 'use-regex': 'true' } },
  ]);
  assert.deepEqual(rules(conversion), plain('PathPrefix /exact → web', 'PathPrefix /b → web'));
  const spread = conversion.announcements.filter(
    ({ code, ingress: of }) => of === 'shop/a' && code === 'regex-spread',
  );
  assert.equal(spread[0]?.request?.path, '/exactx');
});

test('an exact root of a host with regular expressions is hidden by the root that every host has', () => {
  const conversion = convert([
    { paths: ['Exact / web', 'ImplementationSpecific /b web'], annotations: { 'use-regex': 'true' } },
  ]);
  assert.deepEqual(rules(conversion), plain('PathPrefix /b → web'));
  assert.match(conversion.unserved[0]?.why ?? '', /matches all its requests first/);
});

test('a canary has its share on every path of the main Service, and headers go first', () => {
  const conversion = convert([
    { name: 'main', paths: ['Prefix / web', 'Prefix /b web', 'Prefix /c other'] },
    {
      name: 'canary',
      paths: ['Prefix / new'],
      annotations: { canary: 'true', 'canary-weight': '20', 'canary-by-header': 'X-New' },
    },
  ]);
  assert.deepEqual(
    rules(conversion),
    plain(
      'PathPrefix /c → other',
      'PathPrefix /b X-New=always → new',
      'PathPrefix /b X-New=never → web',
      'PathPrefix /b → web*80,new*20',
      'PathPrefix / X-New=always → new',
      'PathPrefix / X-New=never → web',
      'PathPrefix / → web*80,new*20',
    ),
  );
});

test('a canary without a main Ingress serves nothing', () => {
  const conversion = convert([{ annotations: { canary: 'true', 'canary-weight': '50' } }]);
  assert.deepEqual(rules(conversion), []);
  assert.equal(verdict(conversion, 'canary-weight'), 'same');
});

test('only what the class supports is used', () => {
  const conversion = convert(
    [
      {
        tls: 'cert',
        paths: ['Prefix /a/ web'],
        annotations: { 'rewrite-target': '/b', 'enable-cors': 'true' },
      },
    ],
    { features: [] },
  );
  assert.deepEqual(rules(conversion), [
    'a.example https: PathPrefix /a → 500',
    'a.example http: PathPrefix / → 301 https',
  ]);
  assert.equal(verdict(conversion, 'rewrite-target'), 'refused outage');
  assert.equal(verdict(conversion, 'enable-cors'), 'refused outage');
  const filters = objects<HTTPRoute>(conversion, 'HTTPRoute').flatMap(({ spec }) =>
    spec.rules?.flatMap(rule => rule.filters ?? []),
  );
  assert.deepEqual(
    filters.map(filter => filter?.type),
    ['RequestRedirect'],
  );
});

test('a class that takes patterns gets them as they are, where a rewrite keeps nothing of the path', () => {
  const features = [...FEATURES, BEYOND.regularPaths];
  const written: Written = {
    paths: [String.raw`ImplementationSpecific /u/\d+ web`, 'Exact /s web'],
    annotations: { 'use-regex': 'true' },
  };
  const conversion = convert([written], { features });
  assert.deepEqual(
    rules(conversion),
    plain(String.raw`RegularExpression (?i)/u/\d+.* → web`, 'RegularExpression (?i)/s.* → web'),
  );
  assert.equal(verdict(conversion, 'use-regex'), 'same');
  assert.equal(verdict(convert([written]), 'use-regex'), 'refused outage');
  for (const path of ['/(?!x)', '/(a', '/a|/b', String.raw`/(a)\1`]) {
    const refused = convert([{ ...written, paths: [`ImplementationSpecific ${path} web`] }], { features });
    assert.deepEqual(rules(refused), [], path);
    assert.equal(verdict(refused, 'use-regex'), 'refused outage', path);
  }
});

test('a snippet of fixed headers becomes filters; one that keeps people out closes its paths', () => {
  const conversion = convert([
    {
      tls: 'cert',
      paths: ['ImplementationSpecific /a(/|$)(.*) web'],
      annotations: {
        'rewrite-target': '/$2',
        'x-forwarded-prefix': '/a',
        'configuration-snippet': 'more_set_headers "X-Frame-Options: DENY";\nproxy_set_header X-A b;',
      },
    },
  ]);
  assert.equal(verdict(conversion, 'configuration-snippet'), 'approximated cosmetic');
  const filters = objects<HTTPRoute>(conversion, 'HTTPRoute')[0]?.spec.rules?.[0]?.filters ?? [];
  assert.deepEqual(
    filters.map(({ requestHeaderModifier, responseHeaderModifier, type }) => [
      type,
      (requestHeaderModifier ?? responseHeaderModifier)?.set?.map(({ name }) => name).join(),
    ]),
    [
      ['URLRewrite', undefined],
      ['RequestHeaderModifier', 'X-Forwarded-Prefix,X-A'],
      ['ResponseHeaderModifier', 'Strict-Transport-Security,X-Frame-Options'],
    ],
  );
  const closed = convert([{ annotations: { 'configuration-snippet': 'allow 10.0.0.0/8; deny all;' } }]);
  assert.deepEqual(rules(closed), plain('PathPrefix / → 500'));
  assert.equal(verdict(closed, 'configuration-snippet'), 'refused security');
  const lost = convert([{ annotations: { 'configuration-snippet': 'rewrite ^/a /b;' } }]);
  assert.deepEqual(rules(lost), plain('PathPrefix / → web'));
  assert.equal(verdict(lost, 'configuration-snippet'), 'refused security');
});

test('affinity becomes session persistence for a class that is known to have it', () => {
  const annotations = {
    affinity: 'cookie',
    'session-cookie-name': 'route',
    'session-cookie-max-age': '172800',
  };
  const conversion = convert([{ annotations }], { features: [...FEATURES, BEYOND.sessions] });
  const [route] = objects<HTTPRoute>(conversion, 'HTTPRoute');
  assert.deepEqual(route?.spec.rules?.[0]?.sessionPersistence, {
    sessionName: 'route',
    type: 'Cookie',
    absoluteTimeout: '48h',
    cookieConfig: { lifetimeType: 'Permanent' },
  });
  assert.equal(verdict(conversion, 'affinity'), 'approximated subtle');
  assert.equal(verdict(convert([{ annotations }]), 'affinity'), 'refused outage');
});

test('each annotation ends in exactly one of three classes, whatever is written', () => {
  const annotations = {
    'rewrite-target': '/$1',
    'configuration-snippet': 'return 200;',
    'proxy-body-size': '8m',
    'cors-allow-orgin': '*',
    'limit-rps': 'many',
    'session-cookie-name': 'x',
    'canary-weight': '5',
    'secure-backends': 'true',
    'auth-url': 'http://auth/',
    'auth-signin': 'http://auth/in',
    affinity: 'cookie',
    nonsense: '\u0000\n{{',
  };
  const { announcements } = convert([{ annotations, paths: ['ImplementationSpecific /(a+)+$ web'] }]);
  const own = announcements.filter(({ annotation }) => annotation !== undefined);
  assert.equal(own.length, Object.keys(annotations).length);
  assert.deepEqual(new Set(own.map(({ annotation }) => annotation)), new Set(Object.keys(annotations)));
  const misspelt = own.find(({ annotation }) => annotation === 'cors-allow-orgin');
  assert.match(misspelt?.sentence ?? '', /cors-allow-origin is the closest/);
});

test('certificates of other namespaces stay there: by ListenerSets, or else by grants', () => {
  const written: readonly Written[] = [
    { name: 'a', namespace: 'x', host: 'x.example', tls: 'cert' },
    { name: 'b', namespace: 'y', host: 'y.example', tls: 'cert' },
  ];
  const sets = objects<ListenerSet>(convert(written), 'ListenerSet');
  assert.deepEqual(
    sets.map(({ metadata }) => metadata.namespace),
    ['x', 'y'],
  );
  const without = convert(written, { features: FEATURES.filter(name => name !== 'ListenerSet') });
  assert.equal(objects(without, 'ListenerSet').length, 0);
  assert.deepEqual(
    objects(without, 'ReferenceGrant').map(({ metadata }) => metadata.namespace),
    ['x', 'y'],
  );
});

test('TLS that passes does not share a Gateway with TLS that ends', () => {
  const conversion = convert([
    { name: 'a', host: 'a.example', tls: 'cert' },
    { name: 'b', host: 'b.example', annotations: { 'ssl-passthrough': 'true' } },
  ]);
  assert.deepEqual(
    objects<Gateway>(conversion, 'Gateway').map(({ metadata, spec }) => [
      metadata.name,
      spec.listeners.map(({ name }) => name).join(),
    ]),
    [
      ['ingress', 'http,https-a-example'],
      ['ingress-passthrough', 'tls-b-example'],
    ],
  );
  assert.deepEqual(rules(conversion), [
    'a.example https: PathPrefix / → web',
    'a.example http: PathPrefix / → 308 https',
    'b.example http: PathPrefix / → 308 https',
  ]);
});

test('no Gateway and no route is larger than the API lets it be', () => {
  const many = Array.from({ length: 150 }, (_, index): Written => ({
    name: `i${index}`,
    host: `h${index}.example`,
    tls: 'cert',
  }));
  const wide: Written = {
    name: 'wide',
    host: 'wide.example',
    paths: Array.from({ length: 100 }, (_, index) => `Prefix /p${index} web`),
  };
  for (const features of [FEATURES, []]) {
    const conversion = convert([...many, wide], { features });
    const listeners = [
      ...objects<Gateway>(conversion, 'Gateway').map(({ spec }) => spec.listeners),
      ...objects<ListenerSet>(conversion, 'ListenerSet').map(({ spec }) => spec.listeners),
    ];
    assert.equal(listeners.flat().length, 151);
    for (const some of listeners) assert.ok(some.length <= 64);
    for (const { spec } of objects<HTTPRoute>(conversion, 'HTTPRoute'))
      assert.ok((spec.rules ?? []).length <= 16);
    const names = conversion.objects.map(
      ({ object }) => `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`,
    );
    assert.equal(new Set(names).size, names.length);
  }
});

test('the output does not depend on the order of the input', () => {
  const written = Array.from({ length: 30 }, (_, index): Written => ({
    name: `i${index}`,
    namespace: `n${index % 3}`,
    host: `h${index % 7}.example`,
    paths: [`Prefix /p${index} web`],
    ...(index % 2 === 0 ? { tls: 'cert' } : {}),
  }));
  const one = convert(written).objects;
  const other = convert(written.toReversed()).objects;
  assert.deepEqual(one, other);
});

test('settings and flags of the controller are in the routes, or announced', () => {
  const conversion = convert([{ tls: 'cert' }], {
    configMap: {
      'http-redirect-code': '301',
      hsts: 'false',
      'use-forwarded-headers': 'true',
      'ssl-redirct': 'x',
    },
    flags: ['--default-backend-service=i/fallback', '--tcp-services-configmap=i/tcp'],
  });
  assert.deepEqual(rules(conversion), [
    '* http: PathPrefix / → fallback',
    'a.example https: PathPrefix / → web',
    'a.example http: PathPrefix / → 301 https',
  ]);
  const of = (subject: string) => conversion.announcements.find(one => one.subject === subject);
  assert.equal(of('config:http-redirect-code')?.class, 'same');
  assert.equal(of('config:use-forwarded-headers')?.severity, 'security');
  assert.match(of('config:ssl-redirct')?.sentence ?? '', /ssl-redirect is the closest/);
  assert.equal(of('config:--tcp-services-configmap')?.severity, 'outage');
});

test('hosts and objects that are broken are named, and the others are converted', () => {
  const broken = [
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'none' } },
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'text' }, spec: { rules: 'x' } },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'null' },
      spec: { rules: [null] },
    },
    ingress({ name: 'templated', host: '{{ host }}' }),
    ingress({ name: 'good' }),
  ] as unknown as readonly Ingress[];
  const model = readIngresses({ ingresses: broken, ingressClasses: [], flags: [] }, { source: 'files' });
  assert.deepEqual(
    model.left.map(({ id }) => id),
    ['default/none', 'default/text', 'default/null'],
  );
  const conversion = convertIngresses(model, { target: targetOf('class', FEATURES) });
  assert.deepEqual(rules(conversion), plain('PathPrefix / → web'));
  assert.ok(
    conversion.announcements.some(
      ({ code, ingress: of }) => code === 'server-name' && of === 'shop/templated',
    ),
  );
});

test('a host without TLS below a wildcard with TLS is served over it by its own rules', () => {
  const converted = convert([
    { name: 'wild', host: '*.a.example', tls: 'wild', paths: ['Prefix / wild'] },
    { name: 'shop', host: 'shop.a.example', paths: ['Prefix / shop'] },
    { name: 'deep', host: 'x.shop.a.example', paths: ['Prefix / deep'] },
  ]);
  assert.deepEqual(
    rules(converted).filter(rule => rule.startsWith('shop.') || rule.startsWith('x.')),
    [
      'shop.a.example https: PathPrefix / → shop',
      'shop.a.example http: PathPrefix / → 308 https',
      'x.shop.a.example http: PathPrefix / → deep',
    ],
  );
});

test('a list that lets every address in holds nothing back', () => {
  const held = (value: string) =>
    rules(convert([{ annotations: { 'whitelist-source-range': value }, paths: ['Prefix / web'] }]));
  assert.deepEqual(held('0.0.0.0/0, ::/0'), plain('PathPrefix / → web'));
  for (const value of ['0.0.0.0/0', '0.0.0.0/0,::/0,x', '', '10.0.0.0/8'])
    assert.deepEqual(held(value), plain('PathPrefix / → 500'));
});

test('who is the first to name a Service says whether it is an alternative', () => {
  const canary: Written = {
    name: 'canary',
    annotations: { canary: 'true', 'canary-weight': '20', 'whitelist-source-range': '10.0.0.0/8' },
    paths: ['Prefix / next', 'Prefix /new next'],
  };
  const main: Written = { name: 'main', age: 5, paths: ['Prefix / web'] };
  const other: Written = { name: 'other', host: 'next.example', paths: ['Prefix / next'] };
  // An older Ingress has the Service: the canary gets no share, and a path that nobody has is its own, with its list.
  assert.deepEqual(rules(convert([main, { ...other, age: 9 }, canary])), [
    'a.example http: PathPrefix /new → 500',
    'a.example http: PathPrefix / → web',
    'next.example http: PathPrefix / → next',
  ]);
  // The canary is older: no path of another Ingress leads to its Service.
  const older = convert([main, { ...canary, age: 3 }, other]);
  assert.deepEqual(rules(older), ['a.example http: PathPrefix / → web*80,next*20']);
  assert.match(
    older.unserved.map(({ ingress, why }) => `${ingress} ${why}`).join('\n'),
    /shop\/other the canary/,
  );
});

test('a missing slash and the root of the host are answered before any other redirect', () => {
  const converted = convert([
    {
      name: 'away',
      annotations: { 'permanent-redirect': 'https://n.example/x?y=z' },
      paths: ['Prefix /old/ web'],
    },
    { name: 'home', annotations: { 'app-root': '/home' }, paths: ['Prefix /home web'] },
    { name: 'exact', namespace: 'other', paths: ['Exact / web'] },
  ]);
  assert.deepEqual(
    rules(converted).filter(rule => rule.includes('Exact')),
    plain('Exact / → 302 /home', 'Exact /old → 301 /old/'),
  );
});

test('a wider host does not answer for what a host has no path for', () => {
  const converted = convert([
    { name: 'api', paths: ['Prefix /api api'] },
    { name: 'all', host: '', paths: ['Prefix / all'] },
  ]);
  assert.deepEqual(
    rules(converted).filter(rule => rule.startsWith('a.')),
    plain('PathPrefix /api → api', 'PathPrefix / → 500'),
  );
  assert.ok(converted.announcements.some(({ subject }) => subject === 'behaviour:unknown-path'));
});

test('paths that are no gRPC methods, and hosts that share names, get no GRPCRoute', () => {
  const grpc = (...written: readonly Written[]) =>
    objects(
      convert(written.map(one => ({ ...one, annotations: { 'backend-protocol': 'GRPC' } }))),
      'GRPCRoute',
    ).length;
  assert.equal(grpc({ paths: ['Prefix / s', 'Prefix /a.b.C s', 'Exact /a.b.C/Do s'] }), 1);
  assert.equal(grpc({ paths: ['Exact /a s'] }), 0);
  assert.equal(grpc({ paths: ['Prefix /a/b/c s'] }), 0);
  assert.equal(grpc({ host: '' }, { name: 'two' }), 0);
});

test('TLS does not pass to a port that only a Service could explain', () => {
  const written = ingress({ annotations: { 'ssl-passthrough': 'true' }, tls: 'a' });
  const named = structuredClone(written);
  for (const path of named.spec.rules?.[0]?.http?.paths ?? [])
    Object.assign(path.backend, { service: { name: 'web', port: { name: 'https' } } });
  const model = readIngresses({ ingresses: [named], ingressClasses: [], flags: [] }, { source: 'cluster' });
  const converted = convertIngresses(model, { target: targetOf('class', FEATURES) });
  assert.equal(objects(converted, 'TLSRoute').length, 0);
  assert.equal(verdict(converted, 'ssl-passthrough'), 'refused outage');
});
