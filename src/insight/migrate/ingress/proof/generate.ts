import { formatAddress } from '../../../../base/ip.ts';
import { findServer } from '../model/index.ts';
import type { ModelRequest, NginxLocation, NginxModel, NginxServer } from '../model/index.ts';
import type { IngressReading } from '../read.ts';
import { targetsOf } from './generate-paths.ts';
import { mutateTarget } from './mutate-target.ts';
import { Seeded } from './seeded.ts';

export interface GenerateOptions {
  readonly seed: number;
  /** Requests for each Ingress. */
  readonly most: number;
}

/** An address that no list is expected to name (RFC 5737). */
const CLIENT = '203.0.113.9';

/**
 * Requests at the boundaries of what an Ingress says, always the same for the same seed. The most telling of each path
 * come first; where there are more than may be, those that follow are chosen by the seed.
 */
export function generateRequests(
  model: NginxModel,
  ingress: IngressReading,
  { most, seed }: GenerateOptions,
): readonly ModelRequest[] {
  const places = placesOf(model, ingress);
  const first: ModelRequest[] = [];
  const further: ModelRequest[] = [];
  const bound = Math.max(12, Math.ceil((2 * most) / Math.max(places.length, 1)));
  for (const place of places) {
    const own = requestsAt(model, place, bound);
    first.push(...own.first);
    further.push(...own.further);
  }
  for (const host of new Set(places.map(({ host }) => host))) first.push(...requestsOfHost(model, host));
  const seeded = new Seeded(seed ^ hashOf(ingress.id));
  const kept = new UniqueRequests(most);
  for (const request of [...first, ...shuffled(further, seeded)]) kept.add(request);
  const { requests } = kept;
  const known = requests.length;
  // What room is left, is for clients that nobody thought of.
  for (let tries = 0; tries < 2 * most && requests.length < Math.min(most, most * known); tries++) {
    const other = requests[seeded.below(known)] as ModelRequest; // below its length
    kept.add({ ...other, target: mutateTarget(other.target, seeded) });
  }
  return requests;
}

interface Place {
  readonly host: string;
  readonly server: NginxServer;
  readonly location: NginxLocation;
}

/** The locations that an Ingress' rules have become, and its hosts' roots. */
function placesOf({ servers }: NginxModel, { defaultBackend, id, rules }: IngressReading): readonly Place[] {
  const hosts = new Map<string, ReadonlySet<string>>();
  for (const { host, paths = [] } of rules) {
    const known = hosts.get(host) ?? new Set(['/']);
    hosts.set(host, new Set([...known, ...paths.map(({ path }) => (path === '' ? '/' : path))]));
  }
  if (defaultBackend !== undefined && rules.length === 0) hosts.set('', new Set(['/']));
  return [...hosts].flatMap(([name, paths]) => {
    const host = name === '' ? 'unknown.example' : name.replace(/^\*/, 'any');
    const server = findServer(servers, host);
    const seen = new Set<string>();
    return server.locations.flatMap(location => {
      const isOwn = paths.has(location.written) || location.settings.ingress === id;
      if (!isOwn || seen.has(location.written)) return [];
      seen.add(location.written);
      return [{ host, server, location }];
    });
  });
}

function requestsAt(
  model: NginxModel,
  { host, location }: Place,
  bound: number,
): { readonly first: readonly ModelRequest[]; readonly further: readonly ModelRequest[] } {
  const secure = isSecure(model, host);
  const plain = requestOf('http', host, '/');
  const usual = secure ? requestOf('https', host, '/') : plain;
  const targets = targetsOf(location, bound);
  const [start = '/', ...others] = targets;
  const usualStart = { ...usual, target: start };
  return {
    first: [
      usualStart,
      { ...(secure ? plain : requestOf('https', host, '/')), target: start },
      ...others.slice(0, 8).map(target => ({ ...usual, target })),
      ...ofSettings(model, location, usualStart),
      ...ofCanary(location, [start, ...others.filter(target => target.endsWith('/x')).slice(0, 1)], usual),
      { ...plain, host: 'unknown.example', target: start },
    ],
    further: [
      ...others.slice(8).map(target => ({ ...usual, target })),
      ...(secure ? others.slice(0, 3).map(target => ({ ...plain, target })) : []),
      { ...usualStart, method: 'POST' },
      { ...usualStart, method: 'HEAD' },
    ],
  };
}

/** Requests that a setting of the location looks at. */
function ofSettings(
  model: NginxModel,
  location: NginxLocation,
  usual: ModelRequest,
): readonly ModelRequest[] {
  const { settings } = location;
  const requests: ModelRequest[] = [];
  const add = (change: Partial<ModelRequest>) => requests.push({ ...usual, ...change });
  if (settings.bodyLimit > 0) {
    add({ method: 'POST', bodyLength: settings.bodyLimit });
    add({ method: 'POST', bodyLength: settings.bodyLimit + 1 });
  }
  if (settings.crossOrigin !== undefined) {
    const { origins } = settings.crossOrigin;
    const allowed =
      origins === '*' ? ['https://any.example'] : origins.map(({ text }) => text.replace('*', 'any'));
    for (const origin of [...allowed.slice(0, 4), 'https://other.example']) {
      const preflight = { origin, 'access-control-request-method': 'PUT' };
      add({ headers: { origin } });
      add({ method: 'OPTIONS', headers: preflight });
    }
    const [one = ''] = allowed;
    add({ method: 'OPTIONS', headers: { origin: one } });
    add({ method: 'OPTIONS' });
  }
  for (const prefix of [...(settings.allowed ?? []), ...settings.refusedClients].slice(0, 6))
    add({ client: formatAddress(prefix) });
  if (model.trustsForwarded) add({ scheme: 'http', headers: { 'x-forwarded-proto': 'https' } });
  return requests;
}

/** At the path, and at one below it. */
const ofCanary = (
  { upstream }: NginxLocation,
  targets: readonly string[],
  usual: ModelRequest,
): readonly ModelRequest[] =>
  targets.flatMap(target =>
    canaryHeaders(upstream?.alternatives[0]?.canary).map(headers => ({ ...usual, target, headers })),
  );

type Canary = NonNullable<NonNullable<NginxLocation['upstream']>['canary']>;

function canaryHeaders(canary: Canary | undefined): readonly Readonly<Record<string, string>>[] {
  if (canary === undefined) return [];
  const { cookie, header, headerValue } = canary;
  const values = [
    'always',
    'never',
    'other',
    ...(headerValue === undefined ? [] : [headerValue, headerValue.toUpperCase()]),
  ];
  const byHeader = header === undefined ? [] : values.map(value => ({ [header]: value }));
  const byCookie =
    cookie === undefined
      ? []
      : ['always', 'never', 'other'].flatMap(value => [
          { cookie: `${cookie}=${value}` },
          { cookie: `a=b; ${cookie}=${value}; c=d` },
        ]);
  const both =
    header === undefined || cookie === undefined ? [] : [{ [header]: 'never', cookie: `${cookie}=always` }];
  return [...byHeader, ...byCookie, ...both];
}

/** Names: with a port, in upper case, of the handshake alone, one label more and less, with and without www. */
function requestsOfHost(model: NginxModel, host: string): readonly ModelRequest[] {
  const usual = isSecure(model, host) ? requestOf('https', host, '/') : requestOf('http', host, '/');
  const port = usual.scheme === 'https' ? 443 : 80;
  const other = host.startsWith('www.') ? host.slice(4) : `www.${host}`;
  const named = (name: string): ModelRequest => requestOf(usual.scheme, name, '/');
  return [
    { ...usual, host: `${host}:${port}` },
    { ...usual, host: host.toUpperCase() },
    { ...usual, host: `${host}.` },
    named(other),
    named(`extra.${host}`),
    named('unknown.example'),
    ...(host.split('.').length > 2 ? [named(host.slice(host.indexOf('.') + 1))] : []),
    ...(usual.scheme === 'https'
      ? [
          { ...usual, serverName: 'unknown.example' },
          requestOf('http', host, '/.well-known/acme-challenge/token'),
          requestOf('http', 'unknown.example', '/'),
        ]
      : []),
  ];
}

export function requestOf(scheme: ModelRequest['scheme'], host: string, target: string): ModelRequest {
  return {
    scheme,
    ...(scheme === 'https' ? { serverName: host.replace(/:\d+$/, '').toLowerCase() } : {}),
    host,
    method: 'GET',
    target,
    headers: {},
    bodyLength: 0,
    client: CLIENT,
  };
}

const isSecure = ({ servers: { certified } }: NginxModel, host: string): boolean =>
  certified.has(host) || certified.has(host.replace(/^[^.]+\./, '*.'));

class UniqueRequests {
  readonly requests: ModelRequest[] = [];
  readonly #most: number;
  readonly #seen = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  add(request: ModelRequest): void {
    if (this.requests.length >= this.#most) return;
    const key = keyOf(request);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.requests.push(request);
  }
}

function keyOf({
  bodyLength,
  client,
  headers,
  host,
  method,
  scheme,
  serverName,
  target,
}: ModelRequest): string {
  let key = `${method} ${scheme} ${serverName ?? ''} ${host} ${target} ${client} ${bodyLength}`;
  for (const name in headers) key += ` ${name}=${headers[name] ?? ''}`;
  return key;
}

function shuffled<T>(values: readonly T[], seeded: Seeded): readonly T[] {
  const result = [...values];
  for (let at = result.length - 1; at > 0; at--) {
    const other = seeded.below(at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T]; // both are within
  }
  return result;
}

function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  return hash;
}
