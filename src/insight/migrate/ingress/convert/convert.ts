import type { KubeObject } from '../../../../kube/types/meta.ts';
import type { Announcement } from '../announcement.ts';
import type { BackendReading, IngressModel, IngressReading } from '../read.ts';
import { buildServers, isCanary } from '../servers.ts';
import type { Server } from '../servers.ts';
import { backendPolicies, judgeProtocol, judgeSharedBackends } from './backend-tls.ts';
import type { TlsBackend } from './backend-tls.ts';
import { judgeCanary } from './canary.ts';
import { entriesOf } from './entries.ts';
import type { HostEntries } from './entries.ts';
import { certificateOf, gatewaysOf, grant } from './gateways.ts';
import type { WantedListener } from './gateways.ts';
import { routesOfHost } from './host-routes.ts';
import type { HostContext, RoutePlan } from './host-routes.ts';
import { passthroughRoute, wwwRoute } from './hosts.ts';
import { judgeAnnotations } from './judge.ts';
import type { Closest } from './judge.ts';
import { createClosest } from '../catalogue/annotations.ts';
import { judgeBehaviours } from './judge-behaviours.ts';
import { judgeHost } from './judge-hosts.ts';
import { judgeSettings } from './judge-settings.ts';
import { partsOf } from './parts.ts';
import type { IngressParts } from './parts.ts';
import { redirectSettings } from './settings.ts';
import type { Target } from './target.ts';
import { oneEach } from './one-each.ts';
import { writeRoutes } from './write-routes.ts';
import type { ExplainedRule } from './rules.ts';
import type { WrittenObject } from './write-routes.ts';

export interface ConvertOptions {
  readonly target: Target;
  /** Of the Gateway; absent: that of all Ingresses, or `ingress-gateway` where they are in several. */
  readonly gatewayNamespace?: string;
  readonly gatewayName?: string;
  /** Data of ConfigMaps that annotations name, by `namespace/name`. */
  readonly configMaps?: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

export interface Conversion {
  /** In the order in which they are applied. */
  readonly objects: readonly WrittenObject[];
  /** Each annotation of each Ingress once; then keys, flags and behaviours. */
  readonly announcements: readonly Announcement[];
  /** Rules that the controller does not serve either. */
  readonly unserved: readonly { readonly ingress: string; readonly field: string; readonly why: string }[];
  readonly counts: {
    readonly ingresses: number;
    readonly hosts: number;
    readonly paths: number;
    /** Paths that the new rules lead to the backend, or redirect, as the old ones. */
    readonly served: number;
  };
}

/** Writes Gateways and routes for a class that do what the Ingresses do, and says what becomes of everything else. */
export function convertIngresses(model: IngressModel, options: ConvertOptions): Conversion {
  const { target } = options;
  const { servers, unserved } = buildServers(model);
  const closest = createClosest();
  const context: HostContext = {
    target,
    settings: redirectSettings(model),
    parts: partsOfAll(model, servers, options, closest),
    gatewayNamespace: options.gatewayNamespace ?? homeOf(model),
    hasDefaultCertificate: reference(model.flags['default-ssl-certificate']) !== undefined,
    defaultBackend: defaultBackendOf(model),
    covered: coveredHosts(servers),
  };
  const hosts = new Set(servers.map(({ host }) => host));
  const announcements: Announcement[] = [];
  const plans: RoutePlan[] = [];
  const counted = { paths: 0, lost: 0 };
  const hidden: Conversion['unserved'][number][] = [];
  for (const server of servers) {
    const entries = entriesOf(server, target);
    counted.paths += server.locations.filter(({ isDefault }) => !isDefault).length;
    counted.lost += entries.lost.length + entries.hidden.filter(({ isDefault }) => !isDefault).length;
    hidden.push(
      ...entries.hidden.flatMap(({ field, ingress, isDefault, path }) =>
        ingress === undefined || isDefault
          ? []
          : [
              {
                ingress: ingress.id,
                field,
                why: `as a regular expression, another path of the host matches all its requests first (${path})`,
              },
            ],
      ),
    );
    announcements.push(...judgeHost(server, entries, context));
    const passthrough = passthroughRoute(server, model, target);
    const www = wwwRoute(server, hosts, target);
    announcements.push(...(passthrough?.announcements ?? []), ...www.announcements);
    const own = passthrough?.plans ?? hostPlans(server, entries, context);
    plans.push(...own, ...(www.plan === undefined ? [] : [www.plan]));
  }
  const spokenAs = (isOfKind: (plan: RoutePlan) => boolean) =>
    new Set(plans.filter(isOfKind).map(({ host }) => host));
  const byHttp = spokenAs(
    ({ role, rules }) => role !== 'grpc' && rules.some(({ rule }) => rule.backendRefs !== undefined),
  );
  const asGrpc = spokenAs(({ role }) => role === 'grpc').difference(byHttp);
  announcements.push(...judgeIngresses(model, servers, context, asGrpc, closest));
  const { plain, tls } = backendsBy(servers, context.parts);
  if (target.features.has('BackendTLSPolicy')) announcements.push(...judgeSharedBackends(tls, plain));
  announcements.push(...judgeSettings(model, target), ...judgeBehaviours(servers, context));
  return {
    objects: objectsOf(plans, servers, model, context, options),
    announcements: oneEach(model, announcements),
    unserved: [
      ...unserved.map(({ field, ingress, why }) => ({ ingress: ingress.id, field, why })),
      ...hidden,
    ],
    counts: {
      ingresses: model.ingresses.length,
      hosts: servers.filter(({ host, locations }) => host !== '' || locations.some(one => !one.isDefault))
        .length,
      paths: counted.paths,
      served: counted.paths - counted.lost - heldPaths(plans),
    },
  };
}

/** Hosts below a wildcard that leads somewhere, at any depth as routes have it, or below the rules of every host. */
function coveredHosts(servers: readonly Server[]): ReadonlySet<string> {
  const wide = new Set(
    servers
      .filter(
        ({ host, locations }) =>
          /^(?:\*|$)/.test(host) && locations.some(({ backend }) => backend !== undefined),
      )
      .map(({ host }) => host),
  );
  const isCovered = (host: string): boolean => {
    if (host === '') return false;
    const labels = host.split('.');
    const above = labels.map((_, at) => ['*', ...labels.slice(at + 1)].join('.'));
    return wide.has('') || above.some(name => name !== host && wide.has(name));
  };
  return new Set(servers.map(({ host }) => host).filter(isCovered));
}

const heldPaths = (plans: readonly RoutePlan[]): number =>
  new Set(
    plans
      .flatMap(({ rules }) => rules)
      .filter(({ because }) => because.some(line => line.startsWith('HELD BACK')))
      .map(({ because }) => because[0]),
  ).size;

const partsOfAll = (
  model: IngressModel,
  servers: readonly Server[],
  { configMaps = new Map<string, never>(), target }: ConvertOptions,
  closest: Closest,
): ReadonlyMap<IngressReading, IngressParts> =>
  new Map(
    [...new Set([...model.ingresses.filter(ingress => !isCanary(ingress)), ...servedIn(servers)])].map(
      ingress => [ingress, partsOf(ingress, { target, configMaps, closest })],
    ),
  );

/** Whoever has a location of its own: canaries that are served as any Ingress, among them. */
const servedIn = (servers: readonly Server[]): readonly IngressReading[] =>
  servers.flatMap(({ locations }) => locations.flatMap(({ ingress }) => ingress ?? []));

function homeOf(model: IngressModel): string {
  const namespaces = new Set(model.ingresses.map(({ namespace }) => namespace));
  const [only] = namespaces;
  return namespaces.size === 1 && only !== undefined ? only : 'ingress-gateway';
}

function defaultBackendOf({ flags, services }: IngressModel): BackendReading | undefined {
  const named = reference(flags['default-backend-service']);
  if (named === undefined) return undefined;
  const port = services?.get(`${named.namespace}/${named.name}`)?.spec.ports?.[0]?.port ?? 80;
  return {
    namespace: named.namespace,
    service: named.name,
    port: String(port),
    portNumber: port,
    field: '--default-backend-service',
  };
}

function reference(
  written: string | undefined,
): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(written ?? '') ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** A host whose paths are all gRPC gets a GRPCRoute. */
function hostPlans(server: Server, entries: HostEntries, context: HostContext): readonly RoutePlan[] {
  const plans = routesOfHost(server, entries, context);
  const paths = server.locations.filter(({ isDefault }) => !isDefault);
  // A GRPCRoute may not share a host with an HTTPRoute, nor a wildcard or an alias that has it.
  const isAlone =
    /^[^*]/.test(server.host) && server.aliases.length === 0 && !context.covered.has(server.host);
  const isGrpc =
    isAlone &&
    paths.length > 0 &&
    context.target.features.has('GRPCRoute') &&
    paths.every(({ ingress }) => {
      const protocol = ingress === undefined ? undefined : context.parts.get(ingress)?.protocol;
      return protocol === 'GRPC' || protocol === 'GRPCS';
    });
  const fits = plans.every(
    ({ role, rules }) =>
      role !== '' || rules.every(({ rule }) => rule.backendRefs !== undefined && isOfGrpc(rule)),
  );
  return isGrpc && fits ? plans.map(plan => (plan.role === '' ? { ...plan, role: 'grpc' } : plan)) : plans;
}

/** Every path, a service's or a method's: a GRPCRoute has no other matches (GRPCMethodMatch). */
const isOfGrpc = ({ matches = [] }: ExplainedRule['rule']): boolean =>
  matches.every(({ path }) => {
    const { type, value = '/' } = path ?? {};
    if (type === 'PathPrefix' && value === '/') return true;
    const found = /^\/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(\/[A-Za-z_]\w*)?$/.exec(value);
    return found !== null && (type === 'PathPrefix' || (type === 'Exact' && found[1] !== undefined));
  });

function judgeIngresses(
  model: IngressModel,
  servers: readonly Server[],
  { parts, target }: HostContext,
  asGrpc: ReadonlySet<string>,
  closest: Closest,
): readonly Announcement[] {
  const used = new Set(
    servers.flatMap(({ locations }) => locations.flatMap(({ canary }) => canary?.ingress ?? [])),
  );
  const known = new Set(model.ingresses);
  const judged = [...parts.keys()].filter(ingress => !known.has(ingress));
  const acting = new Map(judged.map(ingress => [ingress.id, ingress]));
  return [...model.ingresses, ...judged].flatMap(ingress => {
    const own = parts.get(ingress);
    if (own === undefined)
      return [
        ...judgeAnnotations(ingress, closest),
        ...judgeCanary(ingress, acting.has(ingress.id) ? 'as a main one' : used.has(ingress)),
      ];
    const isGrpc = ingress.rules.length > 0 && ingress.rules.every(({ host }) => asGrpc.has(host));
    return [
      ...own.announcements,
      ...judgeProtocol(ingress, own, target, isGrpc),
      ...judgeCanary(ingress, false),
    ];
  });
}

function objectsOf(
  plans: readonly RoutePlan[],
  servers: readonly Server[],
  model: IngressModel,
  { gatewayNamespace, parts, target }: HostContext,
  { gatewayName = 'ingress' }: ConvertOptions,
): readonly WrittenObject[] {
  if (plans.length === 0) return [];
  const fallback = reference(model.flags['default-ssl-certificate']);
  const gateways = gatewaysOf(
    wantedListeners(plans, servers, fallback),
    target,
    gatewayNamespace,
    gatewayName,
  );
  const plain = (object: KubeObject, ...lines: readonly string[]): WrittenObject => ({
    object,
    comments: lines.length === 0 ? {} : { '': lines },
  });
  const namespaces = new Set(model.ingresses.map(({ namespace }) => namespace));
  return [
    ...(namespaces.has(gatewayNamespace)
      ? []
      : [
          plain(
            { apiVersion: 'v1', kind: 'Namespace', metadata: { name: gatewayNamespace } },
            'The Gateway serves several namespaces, and has one of its own.',
          ),
        ]),
    ...gateways.gateways.map(object => plain(object)),
    ...gateways.sets.map(object => plain(object, 'Listeners whose certificates are in this namespace.')),
    ...gateways.grants.map(object =>
      plain(object, 'Lets the Gateway read the certificates of this namespace.'),
    ),
    ...writeRoutes(plans, gateways),
    ...backendGrants(plans),
    ...backendPolicies(backendsBy(servers, parts).tls, target, backend => portNameOf(model, backend)),
  ];
}

/** Where locations lead, by how it is spoken to. */
function backendsBy(
  servers: readonly Server[],
  parts: HostContext['parts'],
): { readonly tls: readonly TlsBackend[]; readonly plain: readonly TlsBackend[] } {
  const [tls, plain]: [TlsBackend[], TlsBackend[]] = [[], []];
  for (const { locations } of servers)
    for (const { backend, ingress } of locations) {
      if (backend === undefined || ingress === undefined) continue;
      const protocol = parts.get(ingress)?.protocol;
      (protocol === 'HTTPS' || protocol === 'GRPCS' ? tls : plain).push({ backend, ingress });
    }
  return { tls, plain };
}

/** A port's name, where the Service has one: the whole Service otherwise. */
const portNameOf = ({ services }: IngressModel, { namespace, portNumber, service }: BackendReading) =>
  services?.get(`${namespace}/${service}`)?.spec.ports?.find(({ port }) => port === portNumber)?.name;

/** Each listener that a plan stands on, the plain one first, then by host. */
function wantedListeners(
  plans: readonly RoutePlan[],
  servers: readonly Server[],
  fallback: WantedListener['certificate'],
): readonly WantedListener[] {
  const byHost = new Map(servers.map(server => [server.host, server]));
  const keys = new Map(plans.flatMap(plan => plan.listeners.map(key => [key, plan.host] as const)));
  return [...keys]
    .map(([key, planHost]): WantedListener => {
      if (key === 'http') return { key, host: '' };
      const host = key.slice(key.indexOf(':') + 1);
      if (key.startsWith('tls:')) return { key, host };
      const tls = (byHost.get(host) ?? byHost.get(planHost))?.tls;
      const certificate = host === '' ? fallback : certificateOf(tls, fallback);
      return { key, host, ...(certificate === undefined ? {} : { certificate }) };
    })
    .toSorted((a, b) => Number(b.key === 'http') - Number(a.key === 'http') || (a.key < b.key ? -1 : 1));
}

/** A route may lead to another namespace's Service only where that namespace lets it. */
function backendGrants(plans: readonly RoutePlan[]): readonly WrittenObject[] {
  const wanted = new Map<
    string,
    { readonly from: string; readonly to: string; readonly kind: string; readonly names: Set<string> }
  >();
  for (const { namespace, role, rules } of plans)
    for (const { rule } of rules)
      for (const { name, namespace: to } of rule.backendRefs ?? []) {
        if (to === undefined) continue;
        const kind = role === 'grpc' ? 'GRPCRoute' : 'HTTPRoute';
        const key = `${to} ${namespace} ${kind}`;
        const entry = wanted.get(key) ?? { from: namespace, to, kind, names: new Set<string>() };
        wanted.set(key, entry);
        entry.names.add(name);
      }
  return [...wanted.values()]
    .toSorted((a, b) => (`${a.to} ${a.from}` < `${b.to} ${b.from}` ? -1 : 1))
    .map(({ from, kind, names, to }) => ({
      object: grant(
        to,
        `${kind.toLowerCase()}s-of-${from}`,
        { group: 'gateway.networking.k8s.io', kind, namespace: from },
        [...names].toSorted().map(name => ({ group: '', kind: 'Service', name })),
      ),
      comments: {
        '': [`Lets routes of ${from} lead to Services of this namespace, as Ingresses of a host could.`],
      },
    }));
}
