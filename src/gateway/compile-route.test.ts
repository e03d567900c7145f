import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  HTTPBackendRef,
  HTTPRequestMirrorFilter,
  HTTPRouteFilter,
  HTTPRouteRule,
} from '../kube/types/gateway-routes.ts';
import type { ServicePort } from '../kube/types/service.ts';
import { gateway, grant, http, route, service, to } from './testing/objects.ts';
import type { ClusterObject } from './testing/objects.ts';
import { see } from './testing/status.ts';
import type { TableRule } from './table.ts';

const edge = gateway('shop/edge', [http('http')]);
const web = service('shop/web');
const resolved = 'ResolvedRefs=True/ResolvedRefs';

/** The rules that stand in the table, and the conditions, of a route with these rules. */
function made(rules: readonly HTTPRouteRule[], ...objects: readonly ClusterObject[]) {
  const seen = see([edge, web, ...objects, route('shop/web', rules)]);
  const [host] = Object.values(seen.table('shop/edge').hosts);
  return {
    rules: host?.rules ?? [],
    conditions: seen.parents('shop/web')[0],
    messages: seen.messages('shop/web'),
  };
}

const backend = (more: Partial<HTTPBackendRef> = {}): HTTPBackendRef => ({
  group: '',
  kind: 'Service',
  name: 'web',
  port: 80,
  weight: 1,
  ...more,
});
const withBackend = (more: Partial<HTTPBackendRef>): readonly HTTPRouteRule[] => [
  { backendRefs: [backend(more)] },
];
const withFilter = (...filters: readonly HTTPRouteFilter[]): readonly HTTPRouteRule[] => [
  { filters, backendRefs: [backend()] },
];
const references = (rule: TableRule | undefined) =>
  rule?.backends.map(({ backend: key, weight }) => [key, weight]);

test('a Service of the same namespace is reached with its weight', () => {
  const { rules, conditions } = made([{ backendRefs: [backend({ weight: 9 }), backend({ weight: 0 })] }]);
  assert.deepEqual(references(rules[0]), [
    ['shop/web:80', 9],
    ['shop/web:80', 0],
  ]);
  assert.deepEqual(conditions, ['Accepted=True/Accepted', resolved]);
});

test('a Service that is not there gets its share, which is answered with 500, and the reason is told', () => {
  const { rules, conditions, messages } = made([
    { backendRefs: [backend(), backend({ name: 'gone', weight: 3 })] },
  ]);
  assert.deepEqual(references(rules[0]), [
    ['shop/web:80', 1],
    [undefined, 3],
  ]);
  assert.deepEqual(conditions, ['Accepted=True/Accepted', 'ResolvedRefs=False/BackendNotFound']);
  assert.ok(messages.includes('spec.rules[0].backendRefs[1]: there is no Service shop/gone'));
});

test('a port that the Service does not have is not found', () => {
  assert.equal(made(withBackend({ port: 81 })).conditions?.[1], 'ResolvedRefs=False/BackendNotFound');
});

test('what is no Service is no kind that requests are sent to', () => {
  for (const more of [
    { kind: 'Widget' },
    { group: 'example.com' },
    { group: 'example.com', kind: 'Service' },
  ]) {
    const { conditions, rules } = made(withBackend(more));
    assert.equal(conditions?.[1], 'ResolvedRefs=False/InvalidKind');
    assert.deepEqual(references(rules[0]), [[undefined, 1]]);
  }
});

test('an ExternalName Service is not followed', () => {
  const external = service('shop/out', undefined, { type: 'ExternalName', externalName: 'example.com' });
  assert.equal(
    made(withBackend({ name: 'out' }), external).conditions?.[1],
    'ResolvedRefs=False/InvalidKind',
  );
});

test('a Service of another namespace is reached only where a ReferenceGrant there says so', () => {
  const other = service('data/db');
  const of = (...objects: readonly ClusterObject[]) => {
    const { conditions, rules } = made(withBackend({ name: 'db', namespace: 'data' }), ...objects);
    return [conditions?.[1], references(rules[0])?.[0]?.[0]];
  };
  const from = { kind: 'HTTPRoute', namespace: 'shop' };
  const [yes, no] = [
    [resolved, 'data/db:80'],
    ['ResolvedRefs=False/RefNotPermitted', undefined],
  ];
  assert.deepEqual(of(other, grant('data/g', from, { kind: 'Service' })), yes);
  assert.deepEqual(of(other, grant('data/g', from, { kind: 'Service', name: 'db' })), yes);
  assert.deepEqual(of(other), no);
  assert.deepEqual(of(), no, 'whether it exists is not told');
  assert.deepEqual(of(other, grant('data/g', from, { kind: 'Service', name: 'web' })), no);
  assert.deepEqual(of(other, grant('data/g', from, { kind: 'Secret' })), no);
  assert.deepEqual(
    of(other, grant('data/g', { kind: 'Gateway', namespace: 'shop' }, { kind: 'Service' })),
    no,
  );
  assert.deepEqual(
    of(other, grant('data/g', { kind: 'HTTPRoute', namespace: 'data' }, { kind: 'Service' })),
    no,
  );
  assert.deepEqual(of(other, grant('shop/g', from, { kind: 'Service' })), no);
});

test('a protocol of the Service that proxies do not speak is told', () => {
  const of = (port: Partial<ServicePort>) =>
    made(withBackend({ name: 'api' }), service('shop/api', [{ port: 80, protocol: 'TCP', ...port }]))
      .conditions?.[1];
  assert.equal(of({ appProtocol: 'kubernetes.io/wss' }), 'ResolvedRefs=False/UnsupportedProtocol');
  assert.equal(of({ appProtocol: 'https' }), 'ResolvedRefs=False/UnsupportedProtocol');
  assert.equal(of({ protocol: 'UDP' }), 'ResolvedRefs=False/UnsupportedProtocol');
  assert.equal(of({ appProtocol: 'kubernetes.io/ws' }), resolved);
  assert.equal(of({ appProtocol: 'http' }), resolved);
});

test('a rule without backends leads nowhere, and a route without rules too', () => {
  assert.deepEqual(made([{}]).rules[0]?.backends, []);
  const seen = see([edge, { ...route('shop/web', []), spec: { parentRefs: [{ name: 'edge' }] } }]);
  const [host] = Object.values(seen.table('shop/edge').hosts);
  assert.deepEqual(
    host?.rules.map(({ match, backends }) => [match.path, backends]),
    [[{ type: 'PathPrefix', value: '/' }, []]],
  );
});

test('matches: a prefix is one of whole elements, headers are lower case, the first of a name counts', () => {
  const { rules } = made([
    {
      matches: [
        {
          path: { type: 'PathPrefix', value: '/v2/' },
          method: 'GET',
          headers: [
            { type: 'Exact', name: 'X-Env', value: 'a' },
            { type: 'Exact', name: 'x-env', value: 'b' },
          ],
          queryParams: [
            { type: 'Exact', name: 'Q', value: '1' },
            { type: 'Exact', name: 'q', value: '2' },
            { type: 'Exact', name: 'Q', value: '3' },
          ],
        },
      ],
    },
  ]);
  assert.deepEqual(rules[0]?.match, {
    path: { type: 'PathPrefix', value: '/v2' },
    method: 'GET',
    headers: [{ type: 'Exact', name: 'x-env', value: 'a' }],
    query: [
      { type: 'Exact', name: 'Q', value: '1' },
      { type: 'Exact', name: 'q', value: '2' },
    ],
  });
  assert.equal(made([to('web', '/')]).rules[0]?.match.path.value, '/');
});

test('each match of a rule is a rule of the table, and says which it was', () => {
  const { rules } = made([
    {
      name: 'both',
      matches: [{ path: { type: 'Exact', value: '/a' } }, { path: { type: 'Exact', value: '/b' } }],
    },
  ]);
  assert.deepEqual(
    rules.map(({ name, provenance }) => [name, provenance.kind, provenance.field]),
    [
      ['both', 'HTTPRoute', 'spec.rules[0].matches[0]'],
      ['both', 'HTTPRoute', 'spec.rules[0].matches[1]'],
    ],
  );
});

test('all filters that a proxy has come through in their order', () => {
  const filters: readonly HTTPRouteFilter[] = [
    {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: { set: [{ name: 'X-A', value: ' 1 ' }], remove: ['X-B'] },
    },
    {
      type: 'URLRewrite',
      urlRewrite: { hostname: 'api.internal', path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } },
    },
    {
      type: 'ResponseHeaderModifier',
      responseHeaderModifier: {
        add: [
          { name: 'X-C', value: '2' },
          { name: 'x-c', value: '3' },
        ],
      },
    },
  ];
  const { rules, conditions } = made(withFilter(...filters));
  assert.deepEqual(conditions, ['Accepted=True/Accepted', resolved]);
  assert.deepEqual(rules[0]?.filters, [
    {
      type: 'RequestHeaderModifier',
      change: { set: [{ name: 'X-A', value: '1' }], add: [], remove: ['x-b'] },
    },
    { type: 'URLRewrite', hostname: 'api.internal', path: { type: 'ReplaceFullPath', value: '/x' } },
    { type: 'ResponseHeaderModifier', change: { set: [], add: [{ name: 'X-C', value: '2' }], remove: [] } },
  ]);
});

test('a redirect keeps what is not said', () => {
  const { rules } = made([
    { filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] },
  ]);
  assert.deepEqual(rules[0]?.filters, [{ type: 'RequestRedirect', scheme: 'https', statusCode: 301 }]);
  const bare = made([
    { filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'a.example.com' } }] },
  ]);
  assert.deepEqual(bare.rules[0]?.filters, [
    { type: 'RequestRedirect', hostname: 'a.example.com', statusCode: 302 },
  ]);
});

test('the matched prefix is replaced only where a prefix was matched', () => {
  const rewrite: HTTPRouteFilter = {
    type: 'URLRewrite',
    urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '' } },
  };
  const rule = (type: 'Exact' | 'PathPrefix') => [
    { matches: [{ path: { type, value: '/a' } }], filters: [rewrite], backendRefs: [backend()] },
  ];
  assert.deepEqual(made(rule('PathPrefix')).rules[0]?.filters, [
    { type: 'URLRewrite', path: { type: 'ReplacePrefixMatch', value: '/' } },
  ]);
  const wrong = made(rule('Exact'));
  assert.equal(wrong.conditions?.[0], 'Accepted=False/IncompatibleFilters');
  assert.deepEqual(wrong.rules, []);
});

test('filters that a proxy does not have are refused, never left out', () => {
  const filters: readonly HTTPRouteFilter[] = [
    { type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'Auth', name: 'x' } },
    // A later release of the API may have it.
    { type: 'Teleport' } as unknown as HTTPRouteFilter,
  ];
  for (const filter of filters) {
    const { conditions, rules, messages } = made(withFilter(filter));
    assert.equal(conditions?.[0], 'Accepted=False/UnsupportedValue', filter.type);
    assert.deepEqual(rules, []);
    assert.ok(
      messages.some(message => message.includes(filter.type)),
      filter.type,
    );
    assert.equal(
      made([{ backendRefs: [backend({ filters: [filter] })] }]).conditions?.[0],
      'Accepted=False/UnsupportedValue',
    );
  }
});

test('mirrors lead to Services by the rules of backends, and say which share is copied', () => {
  const to = (name: string, more: Partial<HTTPRequestMirrorFilter> = {}): HTTPRouteFilter => ({
    type: 'RequestMirror',
    requestMirror: { backendRef: { name, port: 80 }, ...more },
  });
  const shares = (filter: HTTPRouteFilter) => made(withFilter(filter)).rules?.[0]?.filters;
  const mirror = (share: number) => [{ type: 'RequestMirror', backend: 'shop/web:80', share }];
  assert.deepEqual(shares(to('web')), mirror(1));
  assert.deepEqual(shares(to('web', { percent: 25 })), mirror(0.25));
  assert.deepEqual(shares(to('web', { fraction: { numerator: 1, denominator: 3 } })), mirror(1 / 3));
  const missing = made(withFilter(to('absent'), to('web')));
  assert.deepEqual(missing.conditions, ['Accepted=True/Accepted', 'ResolvedRefs=False/BackendNotFound']);
  assert.deepEqual(missing.rules?.[0]?.filters, [{ type: 'RequestMirror', share: 1 }, ...mirror(1)]);
  assert.match(
    missing.messages.join(),
    /spec\.rules\[0\]\.filters\[0\]\.requestMirror\.backendRef: there is no/,
  );
});

test('what a filter for other origins leaves out has its defaults, and what is no origin is refused', () => {
  const [filter] =
    made(withFilter({ type: 'CORS', cors: { allowOrigins: ['https://*.a.example'] } })).rules?.[0]?.filters ??
    [];
  assert.deepEqual(filter, {
    type: 'CORS',
    allowOrigins: ['https://*.a.example'],
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAge: 5,
  });
  for (const cors of [
    { allowOrigins: ['a.example'] },
    { allowHeaders: ['x\r\ny'] },
    { exposeHeaders: ['a b'] },
  ])
    assert.equal(made(withFilter({ type: 'CORS', cors })).conditions?.[0], 'Accepted=False/UnsupportedValue');
});

test('a filter that stands twice, and a redirect with a rewrite, are incompatible', () => {
  const change: HTTPRouteFilter = { type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x'] } };
  const redirect: HTTPRouteFilter = { type: 'RequestRedirect', requestRedirect: { statusCode: 301 } };
  const rewrite: HTTPRouteFilter = { type: 'URLRewrite', urlRewrite: { hostname: 'x' } };
  for (const rules of [withFilter(change, change), [{ filters: [redirect, rewrite] }]])
    assert.equal(made(rules).conditions?.[0], 'Accepted=False/IncompatibleFilters');
});

test('values that a later API may have, and expressions that no bounded time is enough for, are refused', () => {
  const rules: readonly (readonly HTTPRouteRule[])[] = [
    [{ matches: [{ path: { type: 'RegularExpression', value: '/(?=a)' } }], backendRefs: [backend()] }],
    [{ matches: [{ headers: [{ type: 'RegularExpression', name: 'x', value: '(.)\\1' }] }] }],
    [{ matches: [{ queryParams: [{ type: 'RegularExpression', name: 'x', value: '(' }] }] }],
    [{ matches: [{ path: { type: 'Glob' as 'Exact', value: '/*' } }] }],
    [{ matches: [{ method: 'BREW' as 'GET' }] }],
    [{ filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode: 418 as 301 } }] }],
    [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'ftp' as 'http' } }] }],
    [{ filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'Other' as 'ReplaceFullPath' } } }] }],
    [{ timeouts: { request: '1 minute' } }],
    // Of the experimental channel.
    [{ retry: { codes: [200] } }],
    [{ retry: { backoff: '1 minute' } }],
    [{ sessionPersistence: { sessionName: 'a name' } }],
    [{ sessionPersistence: { cookieConfig: { lifetimeType: 'Permanent' } } }],
    [{ later: true } as HTTPRouteRule],
  ];
  for (const list of rules)
    assert.equal(made(list).conditions?.[0], 'Accepted=False/UnsupportedValue', JSON.stringify(list));
});

test('nothing that ends a line, or a request, gets into one', () => {
  const header = (name: string, value: string): HTTPRouteFilter => ({
    type: 'RequestHeaderModifier',
    requestHeaderModifier: { set: [{ name, value }] },
  });
  const rewrite = (replaceFullPath: string): HTTPRouteFilter => ({
    type: 'URLRewrite',
    urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath } },
  });
  const hostile: readonly HTTPRouteFilter[] = [
    header('x-a', 'a\r\nx-evil: 1'),
    header('x-a', 'a\0'),
    header('x a', '1'),
    header('Content-Length', '0'),
    header('transfer-encoding', 'chunked'),
    header('Connection', 'close'),
    header('Host', 'other'),
    { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['Transfer-Encoding'] } },
    rewrite('/a b'),
    rewrite('/a\r\nx: 1'),
    rewrite('http://other/'),
    rewrite('/a?b'),
    { type: 'URLRewrite', urlRewrite: { hostname: 'a\r\nb' } },
    { type: 'RequestRedirect', requestRedirect: { hostname: '*.example.com' } },
  ];
  for (const filter of hostile) {
    const rules = filter.type === 'RequestRedirect' ? [{ filters: [filter] }] : withFilter(filter);
    assert.equal(made(rules).conditions?.[0], 'Accepted=False/UnsupportedValue', JSON.stringify(filter));
  }
});

test('of a route with one rule that is not supported the others are served, and that one answers with 500', () => {
  const { conditions, rules, messages } = made([
    to('web'),
    {
      matches: [{ path: { type: 'PathPrefix', value: '/admin' } }],
      filters: [{ type: 'ExtensionRef', extensionRef: { group: 'x', kind: 'Auth', name: 'x' } }],
      backendRefs: [backend()],
    },
  ]);
  assert.deepEqual(conditions, [
    'Accepted=True/Accepted',
    'PartiallyInvalid=True/UnsupportedValue',
    resolved,
  ]);
  assert.deepEqual(
    rules.map(({ match, backends }) => [match.path.value, backends.length]),
    [
      ['/admin', 0],
      ['/', 1],
    ],
    'what was to be checked is not left to the rule for everything',
  );
  assert.ok(messages.some(message => message.startsWith('Dropped Rule 1: spec.rules[1].filters[0].type')));
});

test('timeouts are milliseconds, and zero is none', () => {
  const of = (timeouts: { request?: string; backendRequest?: string }) =>
    made([{ timeouts }]).rules[0]?.timeouts;
  assert.deepEqual(of({ request: '1m30s', backendRequest: '500ms' }), {
    request: 90_000,
    backendRequest: 500,
  });
  assert.deepEqual(of({ request: '0s' }), { request: 0 });
  assert.equal(made([{}]).rules[0]?.timeouts, undefined);
});

test('a hostname that is none is refused', () => {
  const seen = see([edge, web, route('shop/web', [to('web')], { hostnames: ['a b.example.com'] })]);
  assert.equal(seen.parents('shop/web')[0]?.[0], 'Accepted=False/UnsupportedValue');
});

test('of many problems the first are told, and the others are counted', () => {
  const refs = Array.from({ length: 16 }, (_, index) => backend({ name: `gone-${index}` }));
  const [message = ''] = made([{ backendRefs: refs }]).messages.filter(text => text.includes('gone-0'));
  assert.match(message, /gone-7/);
  assert.match(message, /and 8 more$/);
});
