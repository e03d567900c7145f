import { hostnameOf, listenerFor, lookUp, normaliseTarget } from '../../gateway/lookup/index.ts';
import type { Lookup, LookupRequest } from '../../gateway/lookup/index.ts';
import { explainRequest, redirectLocation } from '../../gateway/index.ts';

import type {
  NotChosen,
  TableBackendReference,
  TableFilter,
  TableListener,
  TableMatch,
  TableRule,
} from '../../gateway/index.ts';
import { isAddress } from './addresses.ts';
import type { TracedCluster } from './cluster.ts';
import { placeAt } from './find-service.ts';
import type { GatewayBackend, GatewayHop, Place } from './hops.ts';
import { referenceOf } from './judge.ts';
import type { TracedGateway } from './read-gateways.ts';
import type { HttpTarget, Target } from './request.ts';

/** Listeners, hosts and rules that do not have the request are told up to this many. */
const mostOthers = 8;

/** What a Gateway does with a request that comes in at one of its ports, by the table that its proxies look it up in. */
export function explainHttp(
  cluster: TracedCluster,
  gateway: TracedGateway,
  proxies: readonly Place[],
  target: Target & { readonly http: HttpTarget },
  mostTold = mostOthers,
): GatewayHop {
  const base = {
    hop: 'gateway',
    gateway: gateway.object,
    proxies,
    others: [],
    filters: [],
    backends: [],
    problems: gateway.problems,
  } as const;
  const port = proxies[0]?.port ?? target.port;
  const name = serverNameOf(target);
  if (target.http.scheme === 'https' && listenerFor(gateway.index, port, name) === undefined)
    return {
      ...base,
      outcome: 'no-handshake',
      sentence: `the TLS handshake fails: no listener of port ${port} has a certificate for ${name === '' ? 'a client that names no server' : name}`,
    };
  const request = requestAt(port, target);
  if (request === undefined)
    return { ...base, ...answered(400, 'the path or the Host header of the request is none') };
  const { hosts, later, listeners, lookup, rules, second } = explainRequest(
    gateway.index.table,
    gateway.index,
    request,
  );
  const told = ({ provenance, sentence }: NotChosen) => ({ ...referenceOf(provenance), sentence });
  return {
    ...base,
    ...(second === undefined ? {} : { second: told(second) }),
    others: [...listeners, ...hosts, ...rules, ...later].slice(0, mostTold).map(told),
    ...outcomeOf(cluster, gateway, lookup, target, request),
  };
}

type Explained = Pick<GatewayHop, 'outcome' | 'sentence'> &
  Partial<Omit<GatewayHop, 'hop' | 'gateway' | 'proxies' | 'problems' | 'others'>>;

function outcomeOf(
  cluster: TracedCluster,
  gateway: TracedGateway,
  lookup: Lookup,
  target: Target & { readonly http: HttpTarget },
  request: LookupRequest,
): Explained {
  switch (lookup.outcome) {
    case 'no-listener':
      return answered(404, `no listener of port ${target.port} serves ${hostOf(target)}`);
    case 'misdirected':
      return {
        ...answered(421, 'the name of the TLS handshake belongs to another listener than the Host header'),
        ...listenerOf(lookup.listener),
      };
    case 'no-host':
      return {
        ...answered(404, `no route on the listener ${lookup.listener.name} serves ${hostOf(target)}`),
        ...listenerOf(lookup.listener),
      };
    case 'no-rule':
      return {
        ...answered(404, `no rule for ${lookup.host.hostname} matches the request`),
        ...listenerOf(lookup.listener),
        hostname: lookup.host.hostname,
      };
    case 'rule':
      return followRule(cluster, gateway, lookup, target, request);
    default:
      return lookup satisfies never;
  }
}

/** Where a request to a port goes; undefined where the proxy refuses it before it looks. */
export function findRule(
  { index }: TracedGateway,
  port: number,
  target: Target & { readonly http: HttpTarget },
): Lookup | undefined {
  const request = requestAt(port, target);
  return request === undefined ? undefined : lookUp(index, request);
}

/** As a proxy reads it; undefined for a path or a Host header that is none. */
function requestAt(port: number, target: Target & { readonly http: HttpTarget }): LookupRequest | undefined {
  const { host: name, http } = target;
  const fields = new Map(http.headers.map(({ name: field, value }) => [field.toLowerCase(), value]));
  const bracketed = name.includes(':') ? `[${name}]` : name;
  const host = hostnameOf(fields.get('host') ?? bracketed);
  const path = normaliseTarget(http.path);
  if (host === undefined || path === undefined) return undefined;
  return {
    port,
    ...(http.scheme === 'https' ? { serverName: serverNameOf(target) } : {}),
    host,
    method: http.method,
    ...path,
    header: field => fields.get(field),
  };
}

/** What the Host header says. */
const hostOf = ({ host, http }: Target): string =>
  http?.headers.find(({ name }) => name.toLowerCase() === 'host')?.value ?? host;

/** Clients name the server in TLS by its name, and not by an address (RFC 6066 section 3). */
const serverNameOf = ({ host }: Target): string =>
  isAddress(host) ? '' : host.replace(/\.$/, '').toLowerCase();

const answered = (status: number, why: string) =>
  ({ outcome: 'answered', status, sentence: `the Gateway answers ${status}: ${why}` }) as const;

const listenerOf = ({ name, provenance }: TableListener) => ({
  listener: { ...referenceOf(provenance), name },
});

function followRule(
  cluster: TracedCluster,
  { index }: TracedGateway,
  { host, listener, rule }: Extract<Lookup, { outcome: 'rule' }>,
  target: Target & { readonly http: HttpTarget },
  request: LookupRequest,
): Explained {
  const base = {
    ...listenerOf(listener),
    hostname: host.hostname,
    rule: {
      ...referenceOf(rule.provenance),
      ...(rule.name === undefined ? {} : { name: rule.name }),
      match: wordsOfMatch(rule.match),
    },
    filters: rule.filters.map(wordsOfFilter),
    backends: backendsOf(cluster, rule, reference =>
      reference.backend === undefined ? [] : (index.table.backends[reference.backend]?.endpoints ?? []),
    ),
  };
  const redirect = rule.filters.find(filter => filter.type === 'RequestRedirect');
  if (redirect !== undefined) {
    const location = redirectLocation(
      redirect,
      { scheme: target.http.scheme, port: target.port },
      request,
      rule.match.path.type === 'PathPrefix' ? rule.match.path.value : '',
    );
    return {
      ...base,
      outcome: 'redirected',
      status: redirect.statusCode,
      location,
      sentence: `the Gateway answers ${redirect.statusCode}: a redirect to ${location}`,
    };
  }
  const used = base.backends.filter(({ share }) => share > 0);
  if (used.length === 0) return { ...base, ...answered(500, 'the rule leads to no backend') };
  if (used.every(({ service }) => service === undefined))
    return { ...base, ...answered(500, 'the references of the rule lead to no Service') };
  if (used.every(({ endpoints }) => endpoints.length === 0))
    return { ...base, ...answered(503, 'the backends have no endpoint') };
  return { ...base, outcome: 'forwarded', sentence: `${referenceOf(rule.provenance).object} has it` };
}

function backendsOf(
  cluster: TracedCluster,
  rule: TableRule,
  endpointsOf: (
    reference: TableBackendReference,
  ) => readonly { address: string; port: number; pod?: string }[],
): readonly GatewayBackend[] {
  const total = rule.backends.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  return rule.backends.map(reference => ({
    ...(reference.backend === undefined ? {} : { service: reference.backend }),
    weight: reference.weight,
    share: total === 0 ? 0 : Math.max(0, reference.weight) / total,
    from: referenceOf(reference.provenance),
    endpoints: endpointsOf(reference).map(({ address, port, pod }) => ({
      ...(pod === undefined ? {} : { pod }),
      ...placeAt(cluster, address, port),
    })),
  }));
}

/** `PathPrefix /cart, method GET, header x-canary: yes` */
function wordsOfMatch({ headers, method, path, query }: TableMatch): string {
  return [
    `${path.type} ${path.value}`,
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(({ name, value }) => `header ${name}: ${value}`),
    ...query.map(({ name, value }) => `query ${name}=${value}`),
  ].join(', ');
}

function wordsOfFilter(filter: TableFilter): string {
  switch (filter.type) {
    case 'RequestHeaderModifier':
    case 'ResponseHeaderModifier': {
      const { add, remove, set } = filter.change;
      const changes = [
        ...set.map(({ name, value }) => `set ${name}: ${value}`),
        ...add.map(({ name, value }) => `add ${name}: ${value}`),
        ...remove.map(name => `remove ${name}`),
      ];
      return `${filter.type}: ${changes.join(', ')}`;
    }
    case 'RequestRedirect':
      return `RequestRedirect ${filter.statusCode}${filter.scheme === undefined ? '' : ` to ${filter.scheme}`}`;
    case 'URLRewrite': {
      const host = filter.hostname === undefined ? [] : [`hostname ${filter.hostname}`];
      const path = filter.path === undefined ? [] : [`${filter.path.type} ${filter.path.value}`];
      return `URLRewrite: ${[...host, ...path].join(', ')}`;
    }
    case 'RequestMirror':
      return `RequestMirror: ${Math.round(filter.share * 100)} % to ${filter.backend ?? 'nowhere'}`;
    case 'CORS':
      return `CORS: for pages of ${filter.allowOrigins.join(', ')}`;
    case 'ExternalAuth':
      return `ExternalAuth by ${filter.protocol}: ${filter.backend ?? 'nobody'} is asked`;
    default:
      return filter satisfies never;
  }
}
