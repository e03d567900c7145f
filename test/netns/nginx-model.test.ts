import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readIngresses } from '../../src/insight/migrate/ingress/read.ts';
import { answer, compileModel } from '../../src/insight/migrate/ingress/model/index.ts';
import type { ModelRequest, NginxModel, Outcome } from '../../src/insight/migrate/ingress/model/index.ts';
import type { Ingress } from '../../src/kube/types/networking.ts';
import { writeConfiguration } from './nginx-model-config.ts';
import { Seeded } from '../../src/insight/migrate/ingress/proof/seeded.ts';
import { NginxRig, whyNoNginx } from './nginx-model-rig.ts';
import type { Seen } from './nginx-model-rig.ts';

/** The model of Ingress NGINX and Debian's nginx are asked the same: one server a case, hundreds of requests. */
type Path = readonly [type: 'Exact' | 'Prefix' | 'ImplementationSpecific', path: string, service: string];
interface Case {
  readonly host: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly paths: readonly Path[];
  readonly targets: readonly string[];
  readonly requests?: readonly Partial<ModelRequest>[];
}

const odd = [
  '/',
  '//',
  '/.',
  '/..',
  '/../a',
  '/%',
  '/%2',
  '/%zz',
  '/%00',
  '/%2e',
  '/%2e%2e/',
  '/a%20b',
  '/a+b',
  '/%2F',
  '/a#b',
  '/a?b#c',
  '/foo',
  '/foo/',
  '/foo//',
  '//foo',
  '/foo//bar',
  '/foo/./bar',
  '/foo/../foo/bar',
  '/foo/..',
  '/foo/.',
  '/foo%2Fbar',
  '/foo%2f%2fbar',
  '/foo/%2e%2e/foo/',
  '/foo%3Fbar',
  '/foo%23bar',
  '/foo%25bar',
  '/%66oo',
  '/FOO',
  '/Foo/bar',
  '/foobar',
  '/fo',
  '/foo?x=1',
  '/foo/?x=/../',
  '/foo/bar?a=b&c',
  '/foo/%c3%a4',
  '/foo/..%2fbar',
  '/foo/%0a',
  '/bar/foo/',
  '/foo/a/../..',
  '/foo/a/b/../../..',
  '/.foo',
  '/foo/...',
  '/foo/..bar',
  '/foo/%7e',
  '/foo/%5B%7C%5D"<>^`{|}',
  '/a/%2e./b',
] as const;

const cases: readonly Case[] = [
  {
    host: 'prefix.example',
    paths: [
      ['Prefix', '/foo', 'a'],
      ['Prefix', '/', 'b'],
    ],
    targets: odd,
  },
  {
    host: 'implementation.example',
    paths: [['ImplementationSpecific', '/foo', 'a']],
    targets: odd,
  },
  {
    host: 'slash.example',
    paths: [
      ['Exact', '/foo/', 'a'],
      ['Prefix', '/bar/', 'b'],
      ['Exact', '/bar', 'c'],
    ],
    targets: [...odd, '/bar', '/bar/', '/bar/x'],
  },
  {
    host: 'nested.example',
    paths: [
      ['Prefix', '/foo/bar', 'a'],
      ['Prefix', '/foo', 'b'],
      ['Exact', '/foo/bar/x', 'c'],
      ['Exact', '/foo', 'd'],
    ],
    targets: [...odd, '/foo/bar', '/foo/bar/', '/foo/barn', '/foo/bar/x', '/foo/bar/x/'],
  },
  {
    host: 'regex.example',
    annotations: { 'use-regex': 'true' },
    paths: [
      ['ImplementationSpecific', '/foo/[a-z]+$', 'a'],
      ['ImplementationSpecific', '/foo', 'b'],
      ['ImplementationSpecific', '/(api|v[0-9]{1,2})/.*\\.json', 'c'],
      ['Exact', '/exact', 'd'],
    ],
    targets: [
      ...odd,
      '/api/x.json',
      '/V12/y.JSONx',
      '/v123/y.json',
      '/exact',
      '/EXACTLY',
      '/foo/abc',
      '/foo/ABC',
      '/foo/a1',
    ],
  },
  {
    host: 'strip.example',
    annotations: { 'rewrite-target': '/$2', 'x-forwarded-prefix': '/foo' },
    paths: [['ImplementationSpecific', '/foo(/|$)(.*)', 'a']],
    targets: [...odd, '/foo/a%20b?q=%20', '/foo/%2e', '/foo/a%3fb', '/foo/a%25b', '/foo//a'],
  },
  {
    host: 'root.example',
    annotations: { 'rewrite-target': '/' },
    paths: [
      ['Prefix', '/foo', 'a'],
      ['Prefix', '/', 'b'],
    ],
    targets: odd,
  },
  {
    host: 'named.example',
    annotations: { 'rewrite-target': '/new/$1/x' },
    paths: [['ImplementationSpecific', '/foo/(.*)', 'a']],
    targets: [...odd, '/foo/ä', '/foo/a b'].filter(target => !target.includes(' ')),
  },
  {
    host: 'away.example',
    annotations: { 'rewrite-target': 'https://elsewhere.example/$1' },
    paths: [['ImplementationSpecific', '/foo/(.*)', 'a']],
    targets: ['/foo/x', '/foo/x?y=z', '/foo/', '/foo'],
  },
  {
    host: 'alternatives.example',
    annotations: { 'use-regex': 'true' },
    paths: [['ImplementationSpecific', '/a|/b', 'a']],
    targets: ['/a', '/b', '/x/b', '/x/y/b/z', '/c'],
  },
  {
    host: 'unjudged.example',
    annotations: { 'use-regex': 'true' },
    paths: [['ImplementationSpecific', '/(?!api)x', 'b']],
    targets: ['/x', '/y'],
  },
  {
    host: 'permanent.example',
    annotations: { 'permanent-redirect': 'https://new.example/path' },
    paths: [['Prefix', '/foo', 'a']],
    targets: ['/', '/foo', '/foo?x=1', '/foo/bar', '/other'],
  },
  {
    host: 'temporal.example',
    annotations: {
      'temporal-redirect': 'https://new.example',
      'permanent-redirect': 'https://old.example',
      'temporal-redirect-code': '307',
    },
    paths: [['Prefix', '/foo', 'a']],
    targets: ['/foo', '/'],
  },
  {
    host: 'slashed.example',
    annotations: { 'permanent-redirect': 'https://new.example' },
    paths: [['Prefix', '/foo/', 'a']],
    targets: ['/foo', '/foo/', '/foo/x', '/foo?y'],
  },
  {
    host: 'app.example',
    annotations: { 'app-root': '/app' },
    paths: [['Prefix', '/', 'a']],
    targets: ['/', '//', '/?x', '/.', '/app', '/%2e'],
    requests: [{ host: 'app.example:8080', target: '/' }],
  },
  {
    host: 'body.example',
    annotations: { 'proxy-body-size': '1k' },
    paths: [['Prefix', '/foo/', 'a']],
    targets: ['/foo/'],
    requests: [
      { method: 'POST', target: '/foo/', bodyLength: 1024 },
      { method: 'POST', target: '/foo/', bodyLength: 1025 },
      { method: 'POST', target: '/foo', bodyLength: 1025 },
      { method: 'POST', target: '/other', bodyLength: 1025 },
    ],
  },
  {
    host: 'unlimited.example',
    annotations: { 'proxy-body-size': '0' },
    paths: [['Prefix', '/', 'a']],
    targets: [],
    requests: [{ method: 'POST', target: '/', bodyLength: 2_000_000 }],
  },
  {
    host: 'open.example',
    annotations: { 'enable-cors': 'true' },
    paths: [['Prefix', '/', 'a']],
    targets: ['/'],
    requests: [
      { method: 'OPTIONS', target: '/' },
      { method: 'OPTIONS', target: '/', headers: { origin: 'https://a.example' } },
      { target: '/', headers: { origin: 'https://a.example' } },
    ],
  },
  {
    host: 'origins.example',
    annotations: {
      'enable-cors': 'true',
      'cors-allow-origin': 'https://*.a.example, http://b.example:8080',
      'cors-allow-credentials': 'false',
    },
    paths: [['Prefix', '/', 'a']],
    targets: [],
    requests: [
      'https://x.a.example',
      'https://x.y.a.example',
      'https://a.example',
      'http://b.example:8080',
      'HTTP://B.example:8080',
      'xhttp://b.example:8080',
      'http://b.example',
      '',
    ].flatMap(origin =>
      ['GET', 'OPTIONS'].map(method => ({ method, target: '/', headers: origin === '' ? {} : { origin } })),
    ),
  },
  {
    host: 'allowed.example',
    annotations: {
      'whitelist-source-range': '10.0.0.0/8, 192.0.2.7',
      'denylist-source-range': '10.9.0.0/16',
    },
    paths: [['Prefix', '/', 'a']],
    targets: [],
    requests: ['10.1.2.3', '10.9.1.1', '192.0.2.7', '192.0.2.8', '11.0.0.1'].map(client => ({
      client,
      target: '/',
    })),
  },
  {
    host: 'denied.example',
    annotations: { 'whitelist-source-range': '10.0.0.0/8, nonsense' },
    paths: [['Prefix', '/foo/', 'a']],
    targets: ['/foo/', '/foo', '/'],
  },
  {
    host: 'upstream.example',
    annotations: { 'upstream-vhost': 'inner.example' },
    paths: [['Prefix', '/', 'a']],
    targets: ['/'],
  },
  {
    host: '*.wild.example',
    paths: [['Prefix', '/', 'a']],
    targets: [],
    requests: [
      'a.wild.example',
      'A.Wild.example:80',
      'a.b.wild.example',
      'wild.example',
      'a_b-c.wild.example',
      'a.wild.example.',
      'a.wildxexample',
    ].map(host => ({ host, target: '/' })),
  },
  {
    host: 'alias.example',
    annotations: { 'server-alias': 'other.example, *.many.example' },
    paths: [['Prefix', '/', 'a']],
    targets: [],
    requests: ['alias.example', 'other.example', 'x.many.example', 'x.y.many.example', 'many.example'].map(
      host => ({ host, target: '/' }),
    ),
  },
];

function ingressOf({ annotations = {}, host, paths }: Case, index: number): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace: 'shop',
      name: `case-${index}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]),
      ),
    },
    spec: {
      ingressClassName: 'nginx',
      rules: [
        {
          host,
          http: {
            paths: paths.map(([pathType, path, service]) => ({
              path,
              pathType,
              backend: { service: { name: service, port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  };
}

const absent = whyNoNginx();
const compared = absent === undefined ? {} : { skip: absent };
let rig: NginxRig | undefined;
let model: NginxModel;

before(async () => {
  const ingresses = cases.map(ingressOf);
  model = compileModel(
    readIngresses({ ingresses, ingressClasses: [], flags: [], services: [] }, { source: 'files' }),
  );
  if (absent === undefined)
    rig = await NginxRig.start(directory => writeConfiguration(model.servers, directory));
});
after(() => rig?.stop());

function rigOf(): NginxRig {
  assert.ok(rig !== undefined, 'nginx runs');
  return rig;
}

for (const one of cases)
  test(
    `the model answers for ${one.host} ${JSON.stringify(one.annotations ?? {})} as nginx does`,
    compared,
    async () => {
      const requests = [...one.targets.map(target => ({ target })), ...(one.requests ?? [])];
      for (const request of requests) {
        const whole: ModelRequest = {
          scheme: 'http',
          host: one.host,
          method: 'GET',
          target: '/',
          headers: {},
          bodyLength: 0,
          client: '203.0.113.9',
          ...request,
        };
        const said = answer(model, whole);
        if (said.kind === 'undetermined') continue;
        assert.deepEqual(wordsOf(said), seenAs(await rigOf().ask(whole), said), JSON.stringify(whole));
      }
    },
  );

test('what the model calls a conflict of two locations, nginx refuses', compared, async () => {
  const twice: Case = {
    host: 'twice.example',
    paths: [
      ['Prefix', '/foo', 'a'],
      ['Prefix', '/foo/', 'b'],
    ],
    targets: [],
  };
  const ingresses = [ingressOf(twice, 0)];
  const { servers } = compileModel(
    readIngresses({ ingresses, ingressClasses: [], flags: [], services: [] }, { source: 'files' }),
  );
  assert.equal(servers.byName.get('twice.example')?.conflict, '/foo/');
  await assert.rejects(
    NginxRig.start(directory => writeConfiguration(servers, directory)),
    /duplicate location "\/foo\/"/,
  );
});

test('the model answers random targets as nginx does', compared, async () => {
  const parts = [
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%20',
    'foo',
    'FOO',
    'bar',
    'a',
    '%25',
    '%3F',
    '?',
    '#',
    '+',
    'x=1',
    '%',
  ];
  const seeded = new Seeded(7);
  const hosts = ['nested.example', 'slash.example', 'regex.example', 'strip.example', 'root.example'];
  for (let round = 0; round < 400; round++) {
    const length = 1 + seeded.below(9);
    const target = `/${Array.from({ length }, () => parts[seeded.below(parts.length)]).join('')}`;
    const request: ModelRequest = {
      scheme: 'http',
      host: hosts[seeded.below(hosts.length)] ?? '',
      method: 'GET',
      target,
      headers: {},
      bodyLength: 0,
      client: '203.0.113.9',
    };
    const said = answer(model, request);
    assert.deepEqual(wordsOf(said), seenAs(await rigOf().ask(request), said), JSON.stringify(request));
  }
});

test('patterns that are judged are the rule in these cases', () => {
  const requests = cases.flatMap(({ host, targets }) => targets.map(target => ({ host, target })));
  const open = requests.filter(
    ({ host, target }) =>
      answer(model, {
        scheme: 'http',
        host,
        method: 'GET',
        target,
        headers: {},
        bodyLength: 0,
        client: '192.0.2.1',
      }).kind === 'undetermined',
  );
  assert.ok(open.length <= 4, JSON.stringify(open));
});

function wordsOf(outcome: Outcome): Record<string, unknown> {
  switch (outcome.kind) {
    case 'backend':
      return {
        status: 200,
        backend: outcome.backends[0]?.backend,
        target: outcome.target,
        host: outcome.host,
        prefix: outcome.requestHeaders['x-forwarded-prefix'],
        headers: outcome.responseHeaders,
      };
    case 'response':
      return { status: outcome.status, location: outcome.location, headers: outcome.responseHeaders };
    case 'passthrough':
    case 'refused':
    case 'undetermined':
      return { kind: outcome.kind };
    default:
      return outcome satisfies never;
  }
}

/** Only headers that the model speaks of are compared, and that it speaks of all that CORS has. */
function seenAs({ headers, sent, status }: Seen, said: Outcome): Record<string, unknown> {
  const names = [...headers.keys()].filter(name => name.startsWith('access-control-'));
  const own = Object.fromEntries(names.map(name => [name, headers.get(name)]));
  const spoken = said.kind === 'backend' || said.kind === 'response' ? Object.keys(said.responseHeaders) : [];
  const ordered = Object.fromEntries(spoken.map(name => [name, own[name]]));
  const seenHeaders = { ...ordered, ...own };
  if (sent === undefined || sent.headers.get('x-upstream') === 'default')
    return { status, location: headers.get('location'), headers: seenHeaders };
  return {
    status,
    backend: sent.headers.get('x-upstream'),
    target: sent.target,
    host: sent.headers.get('host'),
    prefix: sent.headers.get('x-forwarded-prefix'),
    headers: seenHeaders,
  };
}
