import {
  CrossOriginPolicy,
  attach,
  compileTable,
  isPreflight,
  readGateway,
  readRoute,
  redirectLocation,
  rewritePath,
} from '../../../../gateway/index.ts';
import type { RouteModel, TableFilter, TableRule } from '../../../../gateway/index.ts';
import {
  hostnameOf,
  indexTable,
  listenerFor,
  lookUp,
  normaliseTarget,
} from '../../../../gateway/lookup/index.ts';
import type { Lookup, LookupRequest, TableIndex } from '../../../../gateway/lookup/index.ts';
import type { Gateway } from '../../../../kube/types/gateway.ts';
import type { GRPCRoute, HTTPRoute, TLSRoute } from '../../../../kube/types/gateway-routes.ts';
import type { KubeObject } from '../../../../kube/types/meta.ts';
import type { BackendProtocol, BackendShare, ModelRequest, Outcome, RuleSettings } from '../model/index.ts';
import type { IngressModel } from '../read.ts';
import { sourcesOf } from './sources.ts';

/** What a conversion came to: Gateways with the tables that their proxies would have. */
export interface NewSide {
  readonly gateways: readonly { readonly key: string; readonly index: TableIndex }[];
  /** Why objects of the conversion do not hold, in sentences. */
  readonly problems: readonly string[];
  /** Made once for each filter. */
  readonly policies: WeakMap<TableFilter, CrossOriginPolicy>;
}

const isRoute = (object: KubeObject): object is HTTPRoute | GRPCRoute | TLSRoute =>
  object.kind === 'HTTPRoute' || object.kind === 'GRPCRoute' || object.kind === 'TLSRoute';

const isGateway = (object: KubeObject): object is Gateway => object.kind === 'Gateway';

/** Compiles objects as the agents of a cluster do; Services and Secrets that are named are taken to be there. */
export function compileNewSide(
  objects: readonly KubeObject[],
  { services }: Pick<IngressModel, 'services'>,
): NewSide {
  const written = objects.filter(isRoute);
  const sources = sourcesOf(objects, written, services);
  const routes = written.map(route => readRoute(route, sources));
  const problems: string[] = [];
  const attachedTo = new Set<string>();
  const gateways = objects.filter(isGateway).map(gateway => {
    const model = readGateway(gateway, sources);
    const attached = routes.map(route => ({ route, attachments: attach(route, model, sources) }));
    if (!model.accepted.holds) problems.push(`Gateway ${model.key}: ${model.accepted.message}`);
    for (const { attachments, route } of attached)
      for (const { verdict } of attachments) {
        if (verdict.holds) attachedTo.add(route.key);
        else problems.push(`${nameOf(route)}: ${verdict.message}`);
      }
    return { key: model.key, index: indexTable(compileTable(model, attached, sources)) };
  });
  for (const route of routes) {
    if (!attachedTo.has(route.key)) problems.push(`${nameOf(route)} stands on no listener`);
    for (const verdict of [route.accepted, route.partiallyInvalid, route.resolvedRefs])
      if (verdict !== undefined && !verdict.holds && verdict !== route.partiallyInvalid)
        problems.push(`${nameOf(route)}: ${verdict.message}`);
  }
  return { gateways, problems: [...new Set(problems)].toSorted(), policies: new WeakMap() };
}

const nameOf = ({ route: { kind, metadata } }: RouteModel): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** What the Gateways do with a request, by the look-up and the functions of their proxies. */
export function answerNew({ gateways, policies }: NewSide, request: ModelRequest): Outcome {
  let first: Outcome | undefined;
  for (const { index, key } of gateways) {
    const outcome = new NewAnswer(key, index, policies, request).give();
    if (outcome.kind !== 'refused' && (outcome.kind !== 'response' || outcome.decided.object !== ''))
      return outcome;
    // Somebody else may have the name; who answers nothing says less than who answers 404.
    if (first === undefined || (first.kind === 'refused' && outcome.kind === 'response')) first = outcome;
  }
  return (
    first ?? {
      kind: 'refused',
      sentence: 'there is no Gateway',
      decided: { object: '', place: '', subjects: [] },
    }
  );
}

class NewAnswer {
  readonly #gateway: string;
  readonly #index: TableIndex;
  readonly #policies: NewSide['policies'];
  readonly #request: ModelRequest;
  #object = '';
  #place: string;

  constructor(gateway: string, index: TableIndex, policies: NewSide['policies'], request: ModelRequest) {
    this.#gateway = gateway;
    this.#index = index;
    this.#policies = policies;
    this.#request = request;
    this.#place = `Gateway ${gateway}`;
  }

  give(): Outcome {
    const { headers, host, method, scheme, serverName = '', target } = this.#request;
    const port = scheme === 'https' ? 443 : 80;
    const ports = this.#index.ports.get(port);
    if (ports === undefined) return this.#refused(`nothing listens on port ${port}`);
    if (scheme === 'https') {
      const listener = listenerFor(this.#index, port, serverName.toLowerCase());
      if (listener === undefined) return this.#refused(`no listener has the name ${serverName}`);
      if (listener.listener.protocol === 'TLS') return this.#passthrough(serverName.toLowerCase(), port);
    }
    const name = hostnameOf(host);
    const normal = normaliseTarget(target.split('#', 1)[0] ?? '');
    if (name === undefined || normal === undefined) return this.#respond(400);
    const asked: LookupRequest = {
      port,
      ...(scheme === 'https' ? { serverName: serverName.toLowerCase() } : {}),
      host: name,
      method,
      ...normal,
      header: wanted => (wanted === 'host' ? host : headers[wanted]),
    };
    const lookup = lookUp(this.#index, asked);
    return lookup.outcome === 'rule' ? this.#follow(lookup, asked) : this.#unrouted(lookup);
  }

  #passthrough(serverName: string, port: number): Outcome {
    const lookup = lookUp(this.#index, {
      port,
      host: serverName,
      method: 'GET',
      path: '/',
      query: '',
      header: () => undefined,
    });
    if (lookup.outcome !== 'rule') return this.#refused(`no route has the name ${serverName}`);
    this.#decideBy(lookup.rule);
    return { kind: 'passthrough', backends: this.#sharesOf(lookup.rule), decided: this.#decided() };
  }

  #unrouted(lookup: Lookup): Outcome {
    if (lookup.outcome === 'misdirected') return this.#respond(421);
    if (lookup.outcome === 'no-rule') {
      // The name is served here: another Gateway is not asked.
      const { kind = '', name = '', namespace = '' } = lookup.host.rules[0]?.provenance ?? {};
      this.#object = `${kind}/${namespace}/${name}`;
    }
    return this.#respond(404);
  }

  #follow(
    { listener, rule }: Extract<Lookup, { outcome: 'rule' }>,
    { host, path, query }: LookupRequest,
  ): Outcome {
    this.#decideBy(rule);
    const { headers, method, scheme } = this.#request;
    const prefix = rule.match.path.type === 'PathPrefix' ? rule.match.path.value : '/';
    const cors = filterOf(rule.filters, 'CORS');
    const responseHeaders: Record<string, string> = {};
    if (cors !== undefined) {
      const policy = this.#policyOf(cors);
      const origin = headers['origin'];
      const requestedMethod = headers['access-control-request-method'];
      const requestedHeaders = headers['access-control-request-headers'];
      const asked = origin === undefined ? undefined : { method, origin, requestedMethod, requestedHeaders };
      if (asked !== undefined && isPreflight(asked))
        return this.#respond(204, fieldsOf(policy.preflight(asked)));
      Object.assign(responseHeaders, fieldsOf(policy.change(origin, undefined).lines));
    }
    const redirect = filterOf(rule.filters, 'RequestRedirect');
    if (redirect !== undefined) {
      const location = redirectLocation(
        redirect,
        { scheme, port: listener.port },
        { host, path, query },
        prefix,
      );
      return { ...this.#respond(redirect.statusCode, responseHeaders), location };
    }
    const shares = this.#sharesOf(rule);
    const [only] = shares;
    if (only === undefined || (shares.length === 1 && only.backend === '')) return this.#respond(500);
    const change = changesOf(rule);
    const rewrite = filterOf(rule.filters, 'URLRewrite');
    const sent = rewritePath(path, rewrite?.path, prefix);
    return {
      kind: 'backend',
      backends: shares,
      target: query === '' ? sent : `${sent}?${query}`,
      host: rewrite?.hostname ?? this.#request.host,
      protocol: this.#protocolOf(rule),
      requestHeaders: change.request,
      responseHeaders: { ...responseHeaders, ...change.response },
      rule: ruleOf(rule),
      decided: this.#decided(),
    };
  }

  #policyOf(filter: FilterOf<'CORS'>): CrossOriginPolicy {
    const policy = this.#policies.get(filter) ?? new CrossOriginPolicy(filter);
    this.#policies.set(filter, policy);
    return policy;
  }

  #decideBy({ provenance: { field, kind, name, namespace } }: TableRule): void {
    this.#object = `${kind}/${namespace}/${name}`;
    this.#place = `${this.#object} ${field}`;
  }

  /** A reference that leads nowhere has a backend without a name: its requests are answered with 500. */
  #sharesOf({ backends }: TableRule): readonly BackendShare[] {
    const total = backends.reduce((sum, { weight }) => sum + weight, 0);
    const shares = new Map<string, number>();
    for (const { backend: key, weight } of backends) {
      if (weight <= 0) continue;
      const backend = key === undefined ? undefined : this.#index.table.backends[key];
      const name = backend === undefined ? '' : `${backend.service}:${backend.port}`;
      shares.set(name, (shares.get(name) ?? 0) + weight / total);
    }
    return [...shares]
      .map(([backend, share]) => ({ backend, share }))
      .toSorted((a, b) => (a.backend < b.backend ? -1 : 1));
  }

  #protocolOf({ backends, protocol }: TableRule): BackendProtocol {
    const [first] = backends;
    const backend = first?.backend === undefined ? undefined : this.#index.table.backends[first.backend];
    const isTls = backend?.tls !== undefined;
    if (protocol === 'grpc') return isTls ? 'GRPCS' : 'GRPC';
    return isTls ? 'HTTPS' : 'HTTP';
  }

  #refused(sentence: string): Outcome {
    return { kind: 'refused', sentence: `${sentence} (Gateway ${this.#gateway})`, decided: this.#decided() };
  }

  #respond(status: number, responseHeaders: Readonly<Record<string, string>> = {}) {
    return { kind: 'response', status, responseHeaders, decided: this.#decided() } as const;
  }

  #decided() {
    return { object: this.#object, gateway: this.#gateway, place: this.#place, subjects: [] };
  }
}

type FilterOf<Type extends TableFilter['type']> = Extract<TableFilter, { type: Type }>;

function filterOf<Type extends TableFilter['type']>(
  filters: readonly TableFilter[],
  type: Type,
): FilterOf<Type> | undefined {
  return filters.find((filter): filter is FilterOf<Type> => filter.type === type);
}

function fieldsOf(lines: string): Readonly<Record<string, string>> {
  const fields = lines.split('\r\n').filter(line => line !== '');
  return Object.fromEntries(
    fields.map(line => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
}

/** What the rule sets; the filters of references count where there is but one of these. */
function changesOf({ backends, filters }: TableRule): {
  readonly request: Readonly<Record<string, string>>;
  readonly response: Readonly<Record<string, string>>;
} {
  const all = [...filters, ...(backends.length === 1 ? (backends[0]?.filters ?? []) : [])];
  const request: Record<string, string> = {};
  const response: Record<string, string> = {};
  for (const filter of all) {
    if (filter.type !== 'RequestHeaderModifier' && filter.type !== 'ResponseHeaderModifier') continue;
    const into = filter.type === 'RequestHeaderModifier' ? request : response;
    for (const { name, value } of [...filter.change.set, ...filter.change.add])
      into[name.toLowerCase()] = value;
  }
  return { request, response };
}

function ruleOf({ filters, sessionPersistence, timeouts }: TableRule): RuleSettings {
  const milliseconds = [timeouts?.request ?? 0, timeouts?.backendRequest ?? 0].filter(time => time > 0);
  const mirror = filterOf(filters, 'RequestMirror');
  const auth = filterOf(filters, 'ExternalAuth');
  return {
    ...(milliseconds.length === 0 ? {} : { totalTimeout: Math.min(...milliseconds) / 1000 }),
    ...(auth === undefined ? {} : { access: { subject: 'ExternalAuth', says: 'external auth' } }),
    ...(sessionPersistence === undefined
      ? {}
      : {
          affinity: {
            subject: 'sessionPersistence',
            says: `${sessionPersistence.type.toLowerCase()} ${sessionPersistence.name}`,
          },
        }),
    ...(mirror === undefined ? {} : { mirror: { subject: 'RequestMirror', says: mirror.backend ?? '' } }),
  };
}
