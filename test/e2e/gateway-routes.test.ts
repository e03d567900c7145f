/**
 * What each field of an HTTPRoute does to a request, from outside of a cluster to the server that sees it. Cases follow
 * the features of the Gateway API (GatewayClass.status.supportedFeatures): a feature that is claimed has cases here.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { HTTPRouteFilter, HTTPRouteMatch, HTTPRouteRule } from '../../src/kube/types/gateway-routes.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { GatewayRig, below, echoed, from, http, namespace, status } from './gateway-rig.ts';
import type { Answer } from './gateway-rig.ts';

let cluster: TestCluster;
let rig: GatewayRig;
let address: string;

before(async () => {
  cluster = await startCluster('e2e-gateway-routes', '--nodes', '2');
  rig = new GatewayRig(cluster);
  await rig.makeNamespaces(namespace);
  await Promise.all(['v1', 'v2', 'v3'].map(app => rig.serve(app)));
  await rig.makeGateway('main', [http('http'), http('other', { port: 8080 })]);
  [address = ''] = await rig.addressesOf('main');
});
after(() => cluster[Symbol.asyncDispose]());

const to = (app: string, ...matches: readonly HTTPRouteMatch[]): HTTPRouteRule => ({
  matches,
  backendRefs: [{ name: app, port: 80 }],
});
const exact = (value: string): HTTPRouteMatch => ({ path: { type: 'Exact', value } });
const prefix = (value: string, more: Partial<HTTPRouteMatch> = {}): HTTPRouteMatch => ({
  path: { type: 'PathPrefix', value },
  ...more,
});
const equal = (name: string, value: string) => ({ type: 'Exact', name, value }) as const;
const filtered = (path: string, ...filters: readonly HTTPRouteFilter[]): HTTPRouteRule => ({
  ...below(path, 'v1'),
  filters,
});
const redirected = (path: string, requestRedirect: HTTPRouteFilter['requestRedirect']): HTTPRouteRule => ({
  matches: [prefix(path)],
  filters: [{ type: 'RequestRedirect', ...(requestRedirect === undefined ? {} : { requestRedirect }) }],
});

/** A path, words for curl, and what has to come of it. */
type Case = readonly [path: string, words: readonly string[], check: (answer: Answer) => boolean];

/** A route for a name of its own, asked on port 80; the route goes when the cases have been asked. */
function routing(
  sentence: string,
  name: string,
  rules: readonly HTTPRouteRule[],
  cases: readonly Case[],
): void {
  test(sentence, async () => {
    const hostname = `${name}.example.org`;
    await rig.makeRoute(name, rules, { hostnames: [hostname] });
    for (const [path, words, check] of cases)
      await rig.answers(address, path, check, '--header', `Host: ${hostname}`, ...words);
    await rig.deleteRoute(name);
  });
}

const header = (name: string, value: string) => ['--header', `${name}: ${value}`];
const method = (name: string) => ['--request', name];
const notFound = status(404);

routing(
  'an exact path is that path alone',
  'exact',
  [to('v1', exact('/one')), to('v2', exact('/two'))],
  [
    ['/one', [], from('v1')],
    ['/two', [], from('v2')],
    ['/', [], notFound],
    ['/one/example', [], notFound],
    ['/two/', [], notFound],
    ['/Two', [], notFound],
  ],
);

routing(
  'a prefix is one of whole elements',
  'prefix',
  [to('v1', prefix('/v1')), to('v2', prefix('/v2/'))],
  [
    ['/v1', [], from('v1')],
    ['/v1/', [], from('v1')],
    ['/v1/x', [], from('v1')],
    ['/v1example', [], notFound],
    ['/v2', [], from('v2')],
    ['/v2/x', [], from('v2')],
    ['/%76%31/x', [], from('v1')],
    ['/x/../v1', ['--path-as-is'], from('v1')],
  ],
);

routing(
  'headers are matched by names in any case and exact values, all of a match and any of a rule',
  'headers',
  [
    to(
      'v1',
      prefix('/', { headers: [equal('Version', 'one')] }),
      prefix('/', { headers: [equal('Color', 'blue')] }),
    ),
    to('v2', prefix('/', { headers: [equal('version', 'two'), equal('color', 'red')] })),
  ],
  [
    ['/', header('version', 'one'), from('v1')],
    ['/', header('VERSION', 'one'), from('v1')],
    ['/', header('Version', 'One'), notFound],
    ['/', header('color', 'blue'), from('v1')],
    ['/', [...header('version', 'two'), ...header('color', 'red')], from('v2')],
    ['/', header('version', 'two'), notFound],
    ['/', [], notFound],
  ],
);

routing(
  'query parameters are matched in names and values as they are (HTTPRouteQueryParamMatching)',
  'query',
  [
    to('v1', prefix('/', { queryParams: [equal('animal', 'whale')] })),
    to('v2', prefix('/', { queryParams: [equal('animal', 'whale'), equal('color', 'blue')] })),
    to('v3', prefix('/path', { queryParams: [equal('animal', 'whale')] })),
  ],
  [
    ['/?animal=whale', [], from('v1')],
    ['/?animal=whale&color=blue', [], from('v2')],
    ['/path?animal=whale', [], from('v3')],
    ['/?Animal=whale', [], notFound],
    ['/?animal=Whale', [], notFound],
    ['/?animal=whal%65', [], from('v1')],
    ['/', [], notFound],
  ],
);

routing(
  'a method is matched, with or without more (HTTPRouteMethodMatching)',
  'method',
  [
    to('v1', { method: 'POST' }),
    to('v2', { method: 'GET' }),
    to('v3', prefix('/path', { method: 'PATCH' })),
    to('v1', prefix('/path', { method: 'PUT', headers: [equal('version', 'one')] })),
  ],
  [
    ['/', method('POST'), from('v1')],
    ['/', method('GET'), from('v2')],
    ['/', method('DELETE'), notFound],
    ['/path', method('PATCH'), from('v3')],
    ['/path', [...method('PUT'), ...header('version', 'one')], from('v1')],
    ['/path', method('PUT'), notFound],
  ],
);

routing(
  'the longer prefix is asked first, whatever the order in the route',
  'order',
  [
    to('v3', prefix('/')),
    to('v1', prefix('/match')),
    to('v2', prefix('/match/prefix/one')),
    to('v1', exact('/match/exact')),
    to('v3', prefix('/match/exact/')),
  ],
  [
    ['/x', [], from('v3')],
    ['/match', [], from('v1')],
    ['/match/prefix/one/two', [], from('v2')],
    ['/match/prefix/two', [], from('v1')],
    ['/match/exact', [], from('v1')],
    ['/match/exact/x', [], from('v3')],
  ],
);

test('matches of several routes with one name are ordered together', async () => {
  const hostnames = ['across.example.org'];
  await rig.makeRoute(
    'across-a',
    [to('v1', prefix('/')), to('v1', prefix('/v2', { headers: [equal('version', 'two')] }))],
    { hostnames },
  );
  await rig.makeRoute('across-b', [to('v2', prefix('/v2')), to('v2', prefix('/'))], { hostnames });
  const own = header('Host', 'across.example.org');
  await rig.answers(address, '/', from('v1'), ...own);
  await rig.answers(address, '/v2', from('v2'), ...own);
  await rig.answers(address, '/v2', from('v1'), ...own, ...header('version', 'two'));
  for (const name of ['across-a', 'across-b']) await rig.deleteRoute(name);
});

const sees = (app: string, check: (echo: ReturnType<typeof echoed>) => boolean) => (answer: Answer) =>
  from(app)(answer) && check(echoed(answer));
const saw = (name: string, ...values: readonly string[]) =>
  sees(
    'v1',
    ({ headers }) =>
      JSON.stringify((headers?.[name] ?? []).flatMap(value => value.split(/, ?/))) === JSON.stringify(values),
  );

const headersSet: HTTPRouteFilter = {
  type: 'RequestHeaderModifier',
  requestHeaderModifier: {
    set: [{ name: 'X-Set', value: 'new' }],
    add: [{ name: 'X-Add', value: 'more' }],
    remove: ['x-remove'],
  },
};

routing(
  'request headers are set, added and removed',
  'request-headers',
  [filtered('/', headersSet)],
  [
    ['/', [], saw('X-Set', 'new')],
    ['/', header('x-set', 'old'), saw('X-Set', 'new')],
    ['/', header('X-Add', 'one'), saw('X-Add', 'one', 'more')],
    ['/', header('X-Remove', 'x'), saw('X-Remove')],
    ['/', header('X-Other', 'x'), saw('X-Other', 'x')],
  ],
);

routing(
  'request headers are changed for one backend alone (HTTPRouteBackendRequestHeaderModification)',
  'backend-headers',
  [{ matches: [prefix('/')], backendRefs: [{ name: 'v1', port: 80, filters: [headersSet] }] }],
  [
    ['/', header('x-set', 'old'), saw('X-Set', 'new')],
    ['/', header('X-Remove', 'x'), saw('X-Remove')],
  ],
);

const answered = (line: string) => (answer: Answer) => answer.status === 200 && answer.head.includes(line);
const notAnswered = (line: string) => (answer: Answer) =>
  answer.status === 200 && !answer.head.includes(line);

routing(
  'response headers are set, added and removed (HTTPRouteResponseHeaderModification)',
  'response-headers',
  [
    filtered('/', {
      type: 'ResponseHeaderModifier',
      responseHeaderModifier: {
        set: [{ name: 'X-Set', value: 'new' }],
        add: [{ name: 'X-Add', value: 'more' }],
        remove: ['X-Remove'],
      },
    }),
  ],
  [
    ['/', header('X-Echo-Set-Header', 'X-Set:old'), answered('x-set: new\r\n')],
    ['/', header('X-Echo-Set-Header', 'X-Set:old'), notAnswered('x-set: old')],
    ['/', [], answered('x-add: more\r\n')],
    ['/', header('X-Echo-Set-Header', 'X-Remove:x'), notAnswered('x-remove')],
  ],
);

const location = (code: number, url: string) => (answer: Answer) =>
  answer.status === code && answer.head.includes(`location: ${url}\r\n`);

routing(
  'a redirect takes what is not said from the request',
  'redirect',
  [
    redirected('/host', { hostname: 'example.net' }),
    redirected('/status', { hostname: 'example.net', statusCode: 301 }),
    redirected('/scheme', { scheme: 'https' }),
    redirected('/port', { port: 8083 }),
    redirected('/both', { scheme: 'https', port: 8443 }),
    redirected('/same', { scheme: 'http', port: 80 }),
    redirected('/full', { path: { type: 'ReplaceFullPath', replaceFullPath: '/new' } }),
    redirected('/old', { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } }),
    redirected('/root', { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } }),
    ...([303, 307, 308] as const).map(code =>
      redirected(`/${code}`, { hostname: 'example.net', statusCode: code }),
    ),
  ],
  [
    ['/host/x?a=b', [], location(302, 'http://example.net/host/x?a=b')],
    ['/status', [], location(301, 'http://example.net/status')],
    ['/scheme', [], location(302, 'https://redirect.example.org/scheme')],
    ['/port', [], location(302, 'http://redirect.example.org:8083/port')],
    ['/both', [], location(302, 'https://redirect.example.org:8443/both')],
    ['/same', [], location(302, 'http://redirect.example.org/same')],
    ['/full/x', [], location(302, 'http://redirect.example.org/new')],
    ['/old/x', [], location(302, 'http://redirect.example.org/new/x')],
    ['/root/x', [], location(302, 'http://redirect.example.org/x')],
    ...([303, 307, 308] as const).map((code): Case => [
      `/${code}`,
      [],
      location(code, `http://example.net/${code}`),
    ]),
  ],
);

test('a redirect on another port keeps the port, unless the scheme says another', async () => {
  const hostnames = ['redirect-port.example.org'];
  const rules = [
    redirected('/same', { path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } }),
    redirected('/scheme', { scheme: 'https' }),
  ];
  await rig.makeRoute('redirect-port', rules, { hostnames, parentRefs: [{ name: 'main', port: 8080 }] });
  const own = [...header('Host', 'redirect-port.example.org'), '--to-port=8080'];
  await rig.answers(address, '/same', location(302, 'http://redirect-port.example.org:8080/x'), ...own);
  await rig.answers(address, '/scheme', location(302, 'https://redirect-port.example.org/scheme'), ...own);
  await rig.answers(address, '/same', notFound, ...header('Host', 'redirect-port.example.org'));
  await rig.deleteRoute('redirect-port');
});

const rewritten = (path: string, urlRewrite: HTTPRouteFilter['urlRewrite']): HTTPRouteRule =>
  filtered(path, { type: 'URLRewrite', ...(urlRewrite === undefined ? {} : { urlRewrite }) });
const seenAt = (path: string) => sees('v1', echo => echo.path === path);

routing(
  'host and path are rewritten on the way (HTTPRouteHostRewrite, HTTPRoutePathRewrite)',
  'rewrite',
  [
    rewritten('/host', { hostname: 'one.example.net' }),
    rewritten('/prefix/one', { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/one' } }),
    rewritten('/strip', { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } }),
    rewritten('/full', { path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } }),
    {
      ...rewritten('/more', { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/prefix' } }),
      filters: [
        {
          type: 'URLRewrite',
          urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/prefix' } },
        },
        headersSet,
      ],
    },
  ],
  [
    ['/host/x', [], sees('v1', echo => echo.host === 'one.example.net' && echo.path === '/host/x')],
    ['/prefix/one/two?a=b', [], seenAt('/one/two?a=b')],
    ['/strip', [], seenAt('/')],
    ['/strip/x', [], seenAt('/x')],
    ['/full/x/y', [], seenAt('/one')],
    ['/more/x', [], seenAt('/prefix/x')],
    ['/more/x', [], saw('X-Set', 'new')],
  ],
);

routing(
  'a request that takes too long is answered with 504; zero is no limit (HTTPRouteRequestTimeout, HTTPRouteBackendTimeout)',
  'timeouts',
  [
    { ...below('/request', 'v1'), timeouts: { request: '500ms' } },
    { ...below('/backend', 'v1'), timeouts: { backendRequest: '500ms' } },
    { ...below('/none', 'v1'), timeouts: { request: '0s' } },
  ],
  [
    ['/request', [], from('v1')],
    ['/request?delay=1s', [], status(504)],
    ['/backend?delay=1s', [], status(504)],
    ['/none?delay=1s', [], from('v1')],
  ],
);

test('a rule without a backend is answered with 500', async () => {
  await rig.makeRoute('none', [{ matches: [prefix('/')] }], { hostnames: ['none.example.org'] });
  await rig.answers(address, '/', status(500), ...header('Host', 'none.example.org'));
  await rig.deleteRoute('none');
});

test('a port in the Host header does not matter, a name that no route has is not found', async () => {
  await rig.makeRoute('host', [below('/', 'v1')], { hostnames: ['*.host.example.org', 'exact.example.org'] });
  for (const [name, check] of [
    ['a.host.example.org:1234', from('v1')],
    ['a.b.host.example.org', from('v1')],
    ['EXACT.example.org', from('v1')],
    ['host.example.org', notFound],
    ['example.org', notFound],
  ] as const)
    await rig.answers(address, '/', check, ...header('Host', name));
  await rig.deleteRoute('host');
});

test('the name of a rule stands in the proxies’ log (HTTPRouteNamedRouteRule)', async () => {
  const hostnames = ['named.example.org'];
  await rig.makeRoute('named', [{ ...below('/named', 'v1'), name: 'by-name' }], { hostnames });
  await rig.answers(address, '/named', from('v1'), ...header('Host', 'named.example.org'));
  const log = await cluster.kubectl([
    'logs',
    '--namespace',
    namespace,
    '--selector',
    'gateway.networking.k8s.io/gateway-name=main',
    '--tail',
    '100',
  ]);
  assert.match(log, /"route":"HTTPRoute\/edge\/named".*"rule":"by-name"/);
  await rig.deleteRoute('named');
});
