import { allListeners, isStream } from './model.ts';
import type { Attachment, GatewayModel, ListenerModel, RouteModel } from './model.ts';
import { compileBackend } from './compile-backends.ts';
import type { BackendSources } from './compile-backends.ts';
import { compileOptions } from './compile-options.ts';
import { intersect } from './compile-hostname.ts';
import { comparePrecedence } from './compile-precedence.ts';
import { withoutRivals } from './compile-rivals.ts';
import type { RankedRule } from './compile-precedence.ts';
import { hostKey } from './table.ts';
import type {
  RouteTable,
  TableBackend,
  TableCertificate,
  TableHost,
  TableListener,
  TableOptions,
} from './table.ts';

export interface AttachedRoute {
  readonly route: RouteModel;
  readonly attachments: readonly Attachment[];
}

/** The hosts that one route has rules for, by `hostKey`: on each listener the names that it shares with the route. */
export function hostsOf({ route, attachments }: AttachedRoute): ReadonlyMap<string, HostPart> {
  const hosts = new Map<string, HostPart>();
  const names = route.hostnames.length === 0 ? [undefined] : route.hostnames;
  for (const listener of servedBy(attachments)) {
    for (const name of names) {
      if (
        name !== undefined &&
        listener.hostname !== undefined &&
        intersect(name, listener.hostname) === undefined
      )
        continue;
      const hostname = intersect(name, listener.hostname) ?? '*';
      const key = hostKey(listener.name, hostname);
      hosts.set(key, { listener: listener.name, hostname });
    }
  }
  return hosts;
}

export interface HostPart {
  readonly listener: string;
  readonly hostname: string;
}

/** Each listener once, though several parentRefs may lead to it. */
function servedBy(attachments: readonly Attachment[]): ReadonlySet<ListenerModel> {
  return new Set(attachments.flatMap(({ listeners }) => listeners).filter(isProxied));
}

const isProxied = (listener: ListenerModel): boolean => listener.isServed && !isStream(listener);

export function rankedRules({ rules, route }: RouteModel): readonly RankedRule[] {
  const key = `${route.metadata.namespace ?? ''}/${route.metadata.name}`;
  const createdAt = route.metadata.creationTimestamp ?? '';
  return rules.map((rule, place) => ({ rule, createdAt, route: key, place }));
}

/** All rules of a host, of all routes, in precedence. */
export function compileHost(part: HostPart, rules: readonly RankedRule[]): TableHost {
  return { ...part, rules: rules.toSorted(comparePrecedence).map(({ rule }) => rule) };
}

/** Everything that the proxies of one Gateway need. */
export function compileTable(
  gateway: GatewayModel,
  routes: readonly AttachedRoute[],
  sources: BackendSources,
): RouteTable {
  const hosts = new Map<string, { readonly part: HostPart; readonly rules: RankedRule[] }>();
  const backends = new Map<string, TableBackend>();
  for (const attached of withoutRivals(routes)) {
    const parts = hostsOf(attached);
    if (parts.size === 0) continue;
    const ranked = rankedRules(attached.route);
    for (const [key, part] of parts) {
      const host = hosts.get(key);
      if (host === undefined) hosts.set(key, { part, rules: [...ranked] });
      else host.rules.push(...ranked);
    }
    for (const [key, { service, port }] of attached.route.backends) {
      if (backends.has(key)) continue;
      const backend = compileBackend(service, port, gateway, sources);
      if (backend !== undefined) backends.set(key, backend);
    }
  }
  return {
    ...compileListeners(gateway),
    hosts: inOrder([...hosts].map(([key, { part, rules }]) => [key, compileHost(part, rules)])),
    backends: inOrder([...backends]),
  };
}

/** A Gateway that is not accepted serves nothing. */
export function compileListeners(gateway: GatewayModel): Pick<RouteTable, 'listeners' | 'certificates'> {
  const { options } = compileOptions(gateway.gateway.metadata);
  const served = gateway.accepted.holds ? allListeners(gateway).filter(isProxied) : [];
  const certificates = new Map<string, TableCertificate>();
  for (const { id, chain, key, provenance } of [
    ...served.flatMap(listener => listener.certificates),
    ...(gateway.clientCertificate === undefined ? [] : [gateway.clientCertificate]),
  ])
    if (!certificates.has(id)) certificates.set(id, { chain, key, provenance });
  return {
    listeners: inOrder(served.map(listener => [listener.name, tableListener(listener, options)])),
    certificates: inOrder([...certificates]),
  };
}

function tableListener(model: ListenerModel, options: TableOptions): TableListener {
  const { listener, hostname, certificates, clientValidation, name, provenance } = model;
  return {
    name,
    port: listener.port,
    protocol: protocolOf(listener),
    ...(listener.protocol === 'TLS' && listener.tls?.mode === 'Passthrough'
      ? ({ isPassthrough: true } as const)
      : {}),
    ...(hostname === undefined ? {} : { hostname }),
    certificates: certificates.map(({ id }) => id),
    ...(clientValidation === undefined ? {} : { clientValidation }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    provenance,
  };
}

function protocolOf({ protocol }: ListenerModel['listener']): TableListener['protocol'] {
  return protocol === 'HTTPS' || protocol === 'TLS' ? protocol : 'HTTP';
}

/** The same objects make the same table, in whatever order they came. */
function inOrder<V>(entries: readonly (readonly [string, V])[]): Readonly<Record<string, V>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
