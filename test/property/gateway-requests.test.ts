/** Which rule a request gets: the compiled table with its look-up, against the words of the Gateway API read one by one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attach } from '../../src/gateway/compile-attachment.ts';
import { compileTable, explainRequest, readGateway, readRoute } from '../../src/gateway/index.ts';
import { indexTable, lookUp } from '../../src/gateway/lookup/index.ts';
import { allListeners, isStream } from '../../src/gateway/model.ts';
import type { Attachment, GatewayModel, ListenerModel, RouteModel } from '../../src/gateway/model.ts';
import { sourcesOf } from '../../src/gateway/testing/objects.ts';
import type { HTTPRouteMatch, HTTPRouteRule } from '../../src/kube/types/gateway-routes.ts';
import { busyCluster } from './gateway-worlds.ts';

interface Request {
  readonly port: number;
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: string;
}

const anyRequest: fc.Arbitrary<Request> = fc.record({
  port: fc.constantFrom(80, 80, 8080),
  host: fc.constantFrom(
    'a.example.com',
    'b.example.com',
    'c.b.example.com',
    'example.com',
    'x.example.com',
    'other.net',
  ),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: fc.constantFrom('/', '/a', '/a/', '/a/b', '/a/b/c', '/ab', '/b', '/c'),
  headers: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2')),
  query: fc.constantFrom('', 'q=1', 'q=2', 'q=1&q=2', 'r=1'),
});

/** 0: does not match. Exact names beat wildcards, longer ones shorter ones, everything beats no name. */
function rankOf(hostname: string | undefined, host: string): number {
  if (hostname === undefined) return 1;
  if (hostname === host) return 1000 + host.length;
  return hostname.startsWith('*.') && host.endsWith(hostname.slice(1)) ? 1 + hostname.length : 0;
}

const best = <T>(all: readonly T[], rank: (one: T) => number): T | undefined =>
  all.filter(one => rank(one) > 0).toSorted((a, b) => rank(b) - rank(a))[0];

function matches(match: HTTPRouteMatch, request: Request): boolean {
  const { type, value = '/' } = match.path ?? {};
  const prefix = value.replace(/\/+$/, '');
  const isPath =
    type === 'Exact'
      ? request.path === value
      : request.path === prefix || request.path.startsWith(`${prefix}/`);
  const parameters = new URLSearchParams(request.query);
  const first = new Map((match.headers ?? []).toReversed().map(header => [header.name, header.value]));
  return (
    isPath &&
    (match.method === undefined || match.method === request.method) &&
    [...first].every(
      ([name, wanted]) => Object.hasOwn(request.headers, name) && request.headers[name] === wanted,
    ) &&
    (match.queryParams ?? []).every(({ name, value: wanted }) => parameters.get(name) === wanted)
  );
}

interface OnGateway {
  readonly model: RouteModel;
  readonly attachments: readonly Attachment[];
}

/** The field of the rule that the Gateway API gives the request to, as `namespace/name spec.rules[0].matches[0]`. */
function expected(gateway: GatewayModel, routes: readonly OnGateway[], request: Request): string | undefined {
  const onPort = gateway.accepted.holds
    ? allListeners(gateway).filter(
        one => one.isServed && !isStream(one) && one.listener.port === request.port,
      )
    : [];
  const listener = best(onPort, ({ hostname }) => rankOf(hostname, request.host));
  if (listener === undefined) return undefined;
  const here = routes.filter(({ attachments }) =>
    attachments.some(({ listeners }) => listeners.includes(listener)),
  );
  const namesOf = ({ model }: OnGateway) => sharedNames(model.hostnames, listener);
  const host = best(
    here.flatMap(namesOf).map(name => ({ name })),
    ({ name }) => rankOf(name, request.host),
  );
  if (host === undefined) return undefined;
  const candidates = here
    .filter(route => namesOf(route).includes(host.name))
    .flatMap(({ model: { key, route } }) => {
      const rules: readonly HTTPRouteRule[] = route.kind === 'HTTPRoute' ? (route.spec.rules ?? [{}]) : [];
      let place = 0;
      return rules.flatMap((rule, index) =>
        (rule.matches ?? [{}]).map((match, at) => ({
          match,
          key,
          createdAt: route.metadata.creationTimestamp ?? '',
          place: place++,
          field: `spec.rules[${index}].matches[${at}]`,
        })),
      );
    })
    .filter(({ match }) => matches(match, request));
  const isExact = ({ match }: { readonly match: HTTPRouteMatch }) => Number(match.path?.type === 'Exact');
  const length = ({ match }: { readonly match: HTTPRouteMatch }) =>
    match.path?.type === 'Exact'
      ? (match.path.value ?? '').length
      : (match.path?.value ?? '').replace(/(?<=.)\/$/, '').length;
  const count = (list: readonly { readonly name: string }[] = []) =>
    new Set(list.map(({ name }) => name)).size;
  const [first] = candidates.toSorted(
    (a, b) =>
      isExact(b) - isExact(a) ||
      length(b) - length(a) ||
      Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
      count(b.match.headers) - count(a.match.headers) ||
      count(b.match.queryParams) - count(a.match.queryParams) ||
      a.createdAt.localeCompare(b.createdAt) ||
      (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) ||
      a.place - b.place,
  );
  return first === undefined ? undefined : `${first.key} ${first.field}`;
}

/** Undefined in the list: every name. */
function sharedNames(
  hostnames: readonly string[],
  { hostname }: ListenerModel,
): readonly (string | undefined)[] {
  if (hostnames.length === 0) return [hostname];
  return hostnames.flatMap(name => {
    if (hostname === undefined || rankOf(hostname, name) > 0) return [name];
    return rankOf(name, hostname) > 0 ? [hostname] : [];
  });
}

test('every request gets the rule that the Gateway API gives it to', () => {
  const seen = { served: 0, none: 0 };
  fc.assert(
    fc.property(busyCluster, fc.array(anyRequest, { minLength: 10, maxLength: 20 }), (objects, requests) => {
      const sources = sourcesOf(objects);
      const object = sources.gateway('shop/edge');
      if (object === undefined) return;
      const gateway = readGateway(object, sources);
      const routes = objects.flatMap((one): readonly OnGateway[] => {
        if (one.kind !== 'HTTPRoute') return [];
        const model = readRoute(one, sources);
        return [{ model, attachments: attach(model, gateway, sources) }];
      });
      const attached = routes.map(({ model, attachments }) => ({ route: model, attachments }));
      const table = compileTable(gateway, attached, sources);
      const index = indexTable(table);
      for (const request of requests) {
        const asked = { ...request, header: (field: string) => request.headers[field] };
        const found = lookUp(index, asked);
        for (const { sentence } of explainRequest(table, index, asked).rules)
          assert.notEqual(sentence, 'it does not match', 'each rule that is passed over has a reason');
        const wanted = expected(gateway, routes, request);
        seen[wanted === undefined ? 'none' : 'served']++;
        const got =
          found.outcome === 'rule'
            ? `${found.rule.provenance.namespace}/${found.rule.provenance.name} ${found.rule.provenance.field}`
            : undefined;
        assert.equal(got, wanted, `${found.outcome} for ${JSON.stringify(request)}`);
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(seen.served > 200 && seen.none > 200, JSON.stringify(seen));
});
