import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingress } from '../../../../kube/types/networking.ts';
import { readIngresses } from '../read.ts';
import { answer, compileModel } from './index.ts';
import type { ModelRequest, NginxModel, Outcome } from './index.ts';

/** What needs no nginx to be known: how Ingresses are put together, and what the controller's Lua does. */
interface Short {
  readonly name: string;
  readonly namespace?: string;
  readonly createdAt?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly host?: string;
  readonly paths?: Readonly<Record<string, string>>;
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
  readonly defaultService?: string;
}

/** `Exact /path` → service; without a type it is Prefix. */
function ingressOf({
  annotations = {},
  createdAt = '2026-01-01T00:00:00Z',
  defaultService,
  host,
  name,
  namespace = 'shop',
  paths,
  tls,
}: Short): Ingress {
  const backend = (service: string) => ({ service: { name: service, port: { number: 80 } } });
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace,
      name,
      creationTimestamp: createdAt,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {
      ingressClassName: 'nginx',
      ...(tls === undefined ? {} : { tls }),
      ...(defaultService === undefined ? {} : { defaultBackend: backend(defaultService) }),
      ...(paths === undefined
        ? {}
        : {
            rules: [
              {
                ...(host === undefined ? {} : { host }),
                http: {
                  paths: Object.entries(paths).map(([written, service]) => {
                    const [first = '', second] = written.split(' ');
                    return {
                      path: second ?? first,
                      pathType: second === undefined ? ('Prefix' as const) : (first as 'Exact'),
                      backend: backend(service),
                    };
                  }),
                },
              },
            ],
          }),
    },
  };
}

interface Controller {
  readonly config?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

const modelOf = (ingresses: readonly Short[], { config, flags = [] }: Controller = {}): NginxModel =>
  compileModel(
    readIngresses(
      {
        ingresses: ingresses.map(ingressOf),
        ingressClasses: [],
        flags,
        ...(config === undefined
          ? {}
          : {
              configMap: {
                apiVersion: 'v1',
                kind: 'ConfigMap',
                metadata: { name: 'controller' },
                data: config,
              },
            }),
      },
      { source: 'files' },
    ),
  );

/** `http://host/path`, in few words: what became of it. */
function ask(model: NginxModel, url: string, more: Partial<ModelRequest> = {}): string {
  const [, scheme = '', host = '', target = ''] = /^(https?):\/\/([^/]+)(.*)$/.exec(url) ?? [];
  const isTls = scheme === 'https';
  return wordsOf(
    answer(model, {
      scheme: isTls ? 'https' : 'http',
      ...(isTls ? { serverName: host } : {}),
      host,
      method: 'GET',
      target,
      headers: {},
      bodyLength: 0,
      client: '192.0.2.1',
      ...more,
    }),
  );
}

function wordsOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'response':
      return [outcome.status, outcome.location].filter(part => part !== undefined).join(' ');
    case 'backend':
      return `${outcome.backends.map(({ backend, share }) => (share === 1 ? backend : `${backend} ${share}`)).join(' + ')} ${outcome.target}`;
    case 'passthrough':
      return `TLS to ${outcome.backends[0]?.backend ?? ''}`;
    case 'refused':
      return 'refused';
    case 'undetermined':
      return `unknown: ${outcome.reason}`;
    default:
      return outcome satisfies never;
  }
}

const cases: readonly {
  readonly name: string;
  readonly ingresses: readonly Short[];
  readonly controller?: Controller;
  readonly asks: readonly (readonly [url: string, answer: string, more?: Partial<ModelRequest>])[];
}[] = [
  {
    name: 'the older Ingress has a path that two claim; of the same age the greater name has it',
    ingresses: [
      { name: 'young', createdAt: '2026-02-01T00:00:00Z', host: 'a.example', paths: { '/x': 'young' } },
      { name: 'old', createdAt: '2026-01-01T00:00:00Z', host: 'a.example', paths: { '/x': 'old' } },
      { name: 'a', host: 'b.example', paths: { '/': 'a' } },
      { name: 'b', host: 'b.example', paths: { '/': 'b' } },
    ],
    asks: [
      ['http://a.example/x', 'shop/old:80 /x'],
      ['http://b.example/', 'shop/b:80 /'],
    ],
  },
  {
    name: 'one rewrite makes patterns of every path of the host, of other Ingresses too, and of no other host',
    ingresses: [
      { name: 'plain', host: 'a.example', paths: { 'Exact /exact': 'exact', '/pre': 'pre' } },
      { name: 'other', host: 'b.example', paths: { '/pre': 'pre' } },
      {
        name: 'rewritten',
        createdAt: '2026-02-01T00:00:00Z',
        annotations: { 'rewrite-target': '/$1' },
        host: 'a.example',
        paths: { 'ImplementationSpecific /r/(.*)': 'r' },
      },
    ],
    asks: [
      ['http://a.example/EXACTLY', 'shop/exact:80 /EXACTLY'],
      ['http://a.example/prefer', 'shop/pre:80 /prefer'],
      ['http://a.example/R/x', 'shop/r:80 /x'],
      ['http://b.example/prefer', '404'],
    ],
  },
  {
    name: 'a rewrite to the path itself changes nothing',
    ingresses: [
      { name: 'same', annotations: { 'rewrite-target': '/' }, host: 'a.example', paths: { '/': 'a' } },
    ],
    asks: [['http://a.example/x//y', 'shop/a:80 /x//y']],
  },
  {
    name: 'any TLS section redirects plain requests of all hosts of its Ingress, without the slash at the end',
    ingresses: [
      { name: 'tls', host: 'a.example', paths: { '/': 'a' }, tls: [{ secretName: 'other' }] },
      { name: 'plain', host: 'b.example', paths: { '/': 'b' } },
      { name: 'wild', host: '*.w.example', paths: { '/': 'w' }, tls: [{}] },
      { name: 'beside', host: 'x.w.example', paths: { '/': 'x' } },
      {
        name: 'off',
        annotations: { 'ssl-redirect': 'false' },
        host: 'c.example',
        paths: { '/': 'c' },
        tls: [{}],
      },
      {
        name: 'kept',
        annotations: { 'preserve-trailing-slash': 'true' },
        host: 'd.example',
        paths: { '/': 'd' },
        tls: [{}],
      },
    ],
    asks: [
      ['http://a.example/', '308 https://a.example'],
      ['http://a.example/x/?y', '308 https://a.example/x/?y'],
      ['http://a.example:8080/x/', '308 https://a.example/x'],
      ['https://a.example/x/', 'shop/a:80 /x/'],
      ['http://b.example/', 'shop/b:80 /'],
      ['https://b.example/', 'shop/b:80 /'],
      ['http://x.w.example/', '308 https://x.w.example'],
      ['http://c.example/', 'shop/c:80 /'],
      ['http://d.example/x/', '308 https://d.example/x/'],
    ],
  },
  {
    name: 'locations of challenges are not redirected, requests for challenges are',
    ingresses: [
      { name: 'web', host: 'a.example', paths: { '/': 'web' }, tls: [{}] },
      { name: 'solver', host: 'a.example', paths: { 'Exact /.well-known/acme-challenge/token': 'solver' } },
    ],
    asks: [
      [
        'http://a.example/.well-known/acme-challenge/token',
        'shop/solver:80 /.well-known/acme-challenge/token',
      ],
      [
        'http://a.example/.well-known/acme-challenge/else',
        '308 https://a.example/.well-known/acme-challenge/else',
      ],
    ],
  },
  {
    name: 'TLS that ends before the controller is told by X-Forwarded-Proto, where it is trusted',
    ingresses: [
      {
        name: 'forced',
        annotations: { 'force-ssl-redirect': 'true' },
        host: 'a.example',
        paths: { '/': 'a' },
      },
    ],
    controller: { config: { 'use-forwarded-headers': 'true', 'http-redirect-code': '301' } },
    asks: [
      ['http://a.example/', '301 https://a.example'],
      ['http://a.example/', 'shop/a:80 /', { headers: { 'x-forwarded-proto': 'https' } }],
    ],
  },
  {
    name: 'a body that is too large is refused before a redirect, a fixed redirect comes before that to TLS',
    ingresses: [
      { name: 'web', host: 'a.example', paths: { '/': 'web' }, tls: [{}] },
      {
        name: 'moved',
        annotations: { 'permanent-redirect': 'https://new.example', 'permanent-redirect-code': '308' },
        host: 'm.example',
        paths: { '/': 'web' },
        tls: [{}],
      },
    ],
    asks: [
      ['http://a.example/', '413', { method: 'POST', bodyLength: 1_048_577 }],
      ['http://a.example/', '308 https://a.example', { method: 'POST', bodyLength: 1_048_576 }],
      ['http://m.example/x', '308 https://new.example'],
    ],
  },
  {
    name: 'a canary takes by header, then by cookie, then by weight, and what it does not know goes on',
    ingresses: [
      { name: 'main', host: 'a.example', paths: { '/': 'main', '/other': 'main' } },
      {
        name: 'canary',
        createdAt: '2026-02-01T00:00:00Z',
        annotations: {
          canary: 'true',
          'canary-by-header': 'X-Canary',
          'canary-by-cookie': 'canary',
          'canary-weight': '25',
          'canary-weight-total': '50',
        },
        host: 'a.example',
        paths: { '/': 'next' },
      },
      {
        name: 'value',
        annotations: { canary: 'true', 'canary-by-header': 'X-Who', 'canary-by-header-pattern': '^(a|b)$' },
        host: 'nobody.example',
        paths: { '/': 'lost' },
      },
    ],
    asks: [
      ['http://a.example/', 'shop/main:80 0.75 + shop/next:80 0.25 /'],
      ['http://a.example/other', 'shop/main:80 0.75 + shop/next:80 0.25 /other'],
      ['http://a.example/', 'shop/next:80 /', { headers: { 'x-canary': 'always', cookie: 'canary=never' } }],
      ['http://a.example/', 'shop/main:80 /', { headers: { 'x-canary': 'never', cookie: 'canary=always' } }],
      ['http://a.example/', 'shop/next:80 /', { headers: { 'x-canary': 'x', cookie: 'a=b; Canary=always' } }],
      ['http://nobody.example/', '404'],
    ],
  },
  {
    name: 'the other name of a host is led to it, with the port',
    ingresses: [
      {
        name: 'web',
        annotations: { 'from-to-www-redirect': 'true' },
        host: 'www.a.example',
        paths: { '/': 'web' },
      },
    ],
    asks: [
      ['http://a.example/x/', '308 http://www.a.example:80/x'],
      ['https://a.example/x', '308 https://www.a.example:443/x'],
      ['http://www.a.example/', 'shop/web:80 /'],
    ],
  },
  {
    name: 'a default backend without rules takes every host, one with rules the rest of its hosts',
    ingresses: [
      { name: 'all', defaultService: 'all', annotations: { 'rewrite-target': '/x' } },
      { name: 'rest', defaultService: 'rest', host: 'a.example', paths: { '/x': 'x' } },
    ],
    asks: [
      ['http://unknown.example/y', 'shop/all:80 /y'],
      ['http://a.example/y', 'shop/rest:80 /y'],
      ['http://a.example/x', 'shop/x:80 /x'],
    ],
  },
  {
    name: 'what nobody has goes to the Service of --default-backend-service',
    ingresses: [{ name: 'web', host: 'a.example', paths: { '/x': 'web' } }],
    controller: { flags: ['--default-backend-service=shop/errors'] },
    asks: [
      ['http://a.example/y', 'shop/errors:80 /y'],
      ['http://unknown.example/', 'shop/errors:80 /'],
    ],
  },
  {
    name: 'snippets, passwords, client certificates and other Services are not guessed at',
    ingresses: [
      {
        name: 'a',
        annotations: { 'configuration-snippet': 'deny all;' },
        host: 'a.example',
        paths: { '/x': 'a' },
      },
      { name: 'b', annotations: { 'server-snippet': 'return 418;' }, host: 'b.example', paths: { '/': 'b' } },
      {
        name: 'c',
        annotations: { 'auth-type': 'basic', 'auth-secret': 's' },
        host: 'c.example',
        paths: { '/': 'c' },
      },
      {
        name: 'd',
        annotations: { 'auth-tls-secret': 'shop/ca' },
        host: 'd.example',
        paths: { '/': 'd' },
        tls: [{}],
      },
      {
        name: 'e',
        annotations: { 'custom-http-errors': '413', 'default-backend': 'e' },
        host: 'e.example',
        paths: { '/': 'e' },
      },
    ],
    asks: [
      ['http://a.example/x', 'unknown: the location has a configuration-snippet'],
      ['http://b.example/', 'unknown: the host has a server-snippet'],
      ['http://c.example/', '401'],
      [
        'http://c.example/',
        'unknown: it depends on the passwords of a Secret',
        { headers: { authorization: 'x' } },
      ],
      ['https://d.example/', 'unknown: it depends on the client certificate'],
      [
        'http://e.example/',
        'unknown: a Service answers instead of 413',
        { bodyLength: 2_000_000, method: 'POST' },
      ],
    ],
  },
  {
    name: 'TLS passes through only where the controller may do it, and plain requests are proxied',
    ingresses: [
      { name: 'p', annotations: { 'ssl-passthrough': 'true' }, host: 'a.example', paths: { '/': 'a' } },
    ],
    controller: { flags: ['--enable-ssl-passthrough'] },
    asks: [
      ['https://a.example/', 'TLS to shop/a:80'],
      ['http://a.example/', 'shop/a:80 /'],
    ],
  },
  {
    name: 'a header with an underscore never comes through, but is asked for as one with a hyphen',
    ingresses: [
      { name: 'main', host: 'a.example', paths: { '/': 'main' } },
      {
        name: 'canary',
        createdAt: '2026-02-01T00:00:00Z',
        annotations: { canary: 'true', 'canary-by-header': 'x_canary' },
        host: 'a.example',
        paths: { '/': 'next' },
      },
    ],
    asks: [
      ['http://a.example/', 'shop/main:80 /', { headers: { x_canary: 'always' } }],
      ['http://a.example/', 'shop/next:80 /', { headers: { 'x-canary': 'always' } }],
    ],
  },
  {
    name: 'two prefixes that are one location make nginx refuse its configuration',
    ingresses: [{ name: 'a', host: 'a.example', paths: { '/foo': 'a', '/foo/': 'b' } }],
    asks: [
      [
        'http://a.example/foo',
        'unknown: two locations /foo/: nginx keeps the configuration that it had before',
      ],
    ],
  },
  {
    name: 'every unknown host has the page of health checks',
    ingresses: [{ name: 'a', paths: { '/app': 'a' } }],
    asks: [
      ['http://unknown.example/healthz', '200'],
      ['http://unknown.example/nginx_status', '403'],
      ['http://unknown.example/app/x', 'shop/a:80 /app/x'],
      ['http://unknown.example/', '404'],
    ],
  },
  {
    name: 'a list of addresses with a mistake closes the location',
    ingresses: [
      {
        name: 'a',
        annotations: { 'whitelist-source-range': '10.0.0.0/8,nonsense' },
        host: 'a.example',
        paths: { '/': 'a' },
      },
    ],
    asks: [['http://a.example/', '503']],
  },
];

for (const { asks, controller, ingresses, name } of cases)
  test(name, () => {
    const model = modelOf(ingresses, controller);
    for (const [url, expected, more] of asks)
      assert.equal(ask(model, url, more), expected, `${url} ${JSON.stringify(more ?? {})}`);
  });

test('answers over TLS of a host with a certificate tell browsers to stay with TLS', () => {
  const model = modelOf([{ name: 'web', host: 'a.example', paths: { '/': 'web' }, tls: [{}] }]);
  const outcome = answer(model, {
    scheme: 'https',
    serverName: 'a.example',
    host: 'a.example',
    method: 'GET',
    target: '/',
    headers: {},
    bodyLength: 0,
    client: '192.0.2.1',
  });
  assert.ok(outcome.kind === 'backend');
  assert.deepEqual(outcome.responseHeaders, {
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
  });
});
