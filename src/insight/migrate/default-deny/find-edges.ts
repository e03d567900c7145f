import { formatAddress, parseAddress } from '../../../base/ip.ts';
import { matchesAll } from '../../../kube/selector.ts';
import type { ConfigMap } from '../../../kube/types/config.ts';
import type { IntOrString, Protocol } from '../../../kube/types/scalars.ts';
import type { Service, ServicePort } from '../../../kube/types/service.ts';
import type { Route } from '../../route-backends.ts';
import { namedEnds } from './named-ends.ts';
import type { NamedEnd } from './named-ends.ts';
import { startTexts } from './workloads.ts';
import type { Workload } from './workloads.ts';

export interface EdgePort {
  readonly protocol: Protocol;
  /** As the pods know it: a Service’s target port. */
  readonly port: IntOrString;
}

/** A connection that something declares. */
export interface Edge {
  readonly from: Workload;
  /** The Service’s pods, or the world. */
  readonly to: { readonly service: Service; readonly workloads: readonly Workload[] } | 'world';
  readonly ports: readonly EdgePort[];
  /** What declares it, as a sentence. */
  readonly because: string;
}

export interface NameResolver {
  /** The Service that a name or an address means in a namespace. */
  find(host: string, namespace: string): Service | undefined;
}

export function resolverOf(services: readonly Service[], clusterDomain: string): NameResolver {
  const byName = new Map(services.map(service => [keyOf(service), service]));
  const byAddress = new Map(
    services.flatMap(service =>
      (service.spec.clusterIPs ?? [service.spec.clusterIP ?? '']).flatMap(text => {
        const address = parseAddress(text);
        return address === undefined ? [] : [[formatAddress(address), service] as const];
      }),
    ),
  );
  return {
    find(host, namespace) {
      const address = parseAddress(host);
      if (address !== undefined) return byAddress.get(formatAddress(address));
      const short = host.endsWith(`.${clusterDomain}`) ? host.slice(0, -clusterDomain.length - 1) : host;
      const labels = short.split('.');
      if (labels.at(-1) === 'svc') labels.pop();
      // A pod of a headless Service has a name below the Service’s.
      const [last, before, third] = labels.toReversed();
      if (labels.length === 1) return byName.get(`${namespace}/${last ?? ''}`);
      return (
        byName.get(`${last ?? ''}/${before ?? ''}`) ??
        (third === undefined ? byName.get(`${namespace}/${last ?? ''}`) : undefined)
      );
    },
  };
}

const keyOf = ({ metadata }: Service): string => `${metadata.namespace ?? 'default'}/${metadata.name}`;

/** What people call a setting that holds a host. */
const hostVariable = /(host|addr|address|server|url|uri|endpoint|upstream|backend|service|broker|dsn)s?$/i;

/** The connections that workloads’ own settings name: to Services, and to names outside the cluster. */
export function findEdges(
  workloads: readonly Workload[],
  services: readonly Service[],
  configMaps: readonly ConfigMap[],
  resolver: NameResolver,
): readonly Edge[] {
  const maps = new Map(
    configMaps.map(map => [`${map.metadata.namespace ?? 'default'}/${map.metadata.name}`, map]),
  );
  const behind = new Map(services.map(service => [keyOf(service), workloadsBehind(service, workloads)]));
  const edges = new Map<string, Edge>();
  for (const from of workloads)
    for (const { place, text, variable = '' } of startTexts(from, maps))
      for (const end of namedEnds(text)) {
        // A word alone may be anything, unless what it is called says that it is a host.
        if (end.port === undefined && !end.host.includes('.') && !hostVariable.test(variable)) continue;
        const edge = edgeOf(from, end, place, resolver, behind);
        if (edge === undefined) continue;
        const target = edge.to === 'world' ? `world ${end.host}` : keyOf(edge.to.service);
        const key = `${from.key} ${target} ${JSON.stringify(edge.ports)}`;
        if (!edges.has(key)) edges.set(key, edge);
      }
  return [...edges.values()];
}

function edgeOf(
  from: Workload,
  end: NamedEnd,
  place: string,
  resolver: NameResolver,
  behind: ReadonlyMap<string, readonly Workload[]>,
): Edge | undefined {
  const service = resolver.find(end.host, from.namespace);
  const because = `${place} names ${end.host}${end.port === undefined ? '' : `:${end.port}`}`;
  if (service === undefined) return outside(from, end, because);
  if (service.spec.type === 'ExternalName')
    return outside(from, { ...end, host: service.spec.externalName ?? '' }, because);
  const ports = (service.spec.ports ?? []).filter(({ port }) => end.port === undefined || port === end.port);
  const workloads = behind.get(keyOf(service)) ?? [];
  // A port that the Service has not is a mistake, or a headless Service’s pod: all of its ports are meant then.
  const meant = (ports.length > 0 ? ports : (service.spec.ports ?? [])).map(targetOf);
  // A headless Service needs no ports of its own.
  const told = end.port === undefined ? [] : [{ protocol: 'TCP' as const, port: end.port }];
  return { from, to: { service, workloads }, ports: meant.length > 0 ? meant : told, because };
}

/** A Gateway’s proxies reach what its routes lead to. */
export function proxyEdges(
  proxies: readonly (Workload & { readonly gateway: string })[],
  routes: readonly Route[],
  services: readonly Service[],
  workloads: readonly Workload[],
): readonly Edge[] {
  const byName = new Map(services.map(service => [keyOf(service), service]));
  return routes.flatMap(({ backends, kind, metadata, parentRefs }) => {
    const own = metadata.namespace ?? 'default';
    const parents = new Set(parentRefs.map(({ name, namespace }) => `${namespace ?? own}/${name}`));
    return backends.flatMap(({ port, service: key }) => {
      const service = byName.get(key);
      if (service === undefined) return [];
      return proxies
        .filter(({ gateway }) => parents.has(gateway))
        .map(from => ({
          from,
          to: { service, workloads: workloadsBehind(service, workloads) },
          ports: targetsOf(service, port),
          because: `${kind} ${own}/${metadata.name} leads to Service ${key}`,
        }));
    });
  });
}

/** What the port of a backend means at the pods; no port: all of the Service’s. */
export const targetsOf = ({ spec }: Service, port: string | undefined): readonly EdgePort[] =>
  (spec.ports ?? [])
    .filter(one => port === undefined || one.name === port || String(one.port) === port)
    .map(targetOf);

/** Only what is plainly a name of the Internet or an address, with a port: any other word may be anything. */
function outside(from: Workload, { host, port, scheme }: NamedEnd, because: string): Edge | undefined {
  if (port === undefined || scheme === undefined) return undefined;
  const address = parseAddress(host);
  const isName = /\.[a-z]{2,63}$/.test(host) && !/\.(local|localhost|internal|test|invalid|svc)$/.test(host);
  if (address === undefined ? !isName : isLoopback(host)) return undefined;
  return { from, to: 'world', ports: [{ protocol: 'TCP', port }], because };
}

const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1' || host === '0.0.0.0';

const targetOf = ({ port, protocol = 'TCP', targetPort }: ServicePort): EdgePort => ({
  protocol,
  port: targetPort ?? port,
});

/** The workloads whose pods a Service selects. */
export function workloadsBehind(
  { metadata, spec }: Service,
  workloads: readonly Workload[],
): readonly Workload[] {
  if (Object.keys(spec.selector ?? {}).length === 0) return [];
  return workloads.filter(
    ({ namespace, pods }) =>
      namespace === (metadata.namespace ?? 'default') &&
      pods.some(pod => matchesAll(spec.selector, pod.metadata.labels)),
  );
}
