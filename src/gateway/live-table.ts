import { attach } from './compile-attachment.ts';
import { compileBackend } from './compile-backends.ts';
import { diffTables, emptyTable, isSameEntry, mergeChanges } from './compile-delta.ts';
import { readGateway } from './compile-gateway.ts';
import { readRoute } from './compile-route.ts';
import { compileHost, compileListeners, hostsOf, rankedRules } from './compile-table.ts';
import type { AttachedRoute, HostPart } from './compile-table.ts';
import { withoutRivals } from './compile-rivals.ts';
import type { RankedRule } from './compile-precedence.ts';
import { isOurs } from './model.ts';
import type { GatewayModel, GatewaySources, Route } from './model.ts';
import type { RouteTable, TableBackend, TableChange, TableHost } from './table.ts';
import type { Gateway, GatewayClass } from '../kube/types/gateway.ts';

/** Where a live table reads from: what is there now, by `namespace/name`. */
export interface LiveSources extends GatewaySources {
  gatewayClass(name: string): GatewayClass | undefined;
  gateway(key: string): Gateway | undefined;
  /** By `routeKey`. */
  route(key: string): Route | undefined;
  /** Keys of the routes that name the Gateway as a parent. */
  routesOf(gatewayKey: string): readonly string[];
}

interface RoutePart {
  readonly ranked: readonly RankedRule[];
  readonly hosts: ReadonlyMap<string, HostPart>;
  readonly backends: ReadonlyMap<string, { readonly service: string; readonly port: number }>;
}

const nothing: RoutePart = { ranked: [], hosts: new Map(), backends: new Map() };

/** Changes that are remembered; who is further behind gets the whole table. */
const REMEMBERED = 64;

/**
 * The table of one Gateway, kept up to date: equal to `compileTable` of everything at any time, at the cost of what
 * changed. Each revision is known by what it changed of the one before.
 */
export class LiveTable {
  readonly #key: string;
  readonly #sources: LiveSources;
  #model: GatewayModel | undefined;
  readonly #parts = new Map<string, RoutePart>();
  readonly #routesOfHost = new Map<string, Set<string>>();
  readonly #routesOfBackend = new Map<string, Set<string>>();
  #front: Pick<RouteTable, 'listeners' | 'certificates'> = emptyTable;
  readonly #hosts = new Map<string, TableHost>();
  readonly #backends = new Map<string, TableBackend>();
  #revision = 0;
  #changes: readonly TableChange[] = [];
  #isGatewayDirty = true;
  readonly #dirtyRoutes = new Set<string>();
  readonly #dirtyServices = new Set<string>();
  readonly #grpcRoutes = new Set<string>();

  constructor(key: string, sources: LiveSources) {
    this.#key = key;
    this.#sources = sources;
  }

  /** The Gateway, its class, a certificate, a grant or a namespace may be another: every route is looked at again. */
  gatewayChanged(): void {
    this.#isGatewayDirty = true;
  }

  routeChanged(key: string): void {
    this.#dirtyRoutes.add(key);
  }

  /** The Service, `namespace/name`, its slices, or a policy for it. */
  endpointsChanged(service: string): void {
    this.#dirtyServices.add(service);
  }

  /** The revision that is up to date with the sources; undefined while there is no such Gateway of ours. */
  revision(): number | undefined {
    if (this.#isGatewayDirty) this.#readGateway();
    if (this.#model === undefined) return undefined;
    if (this.#dirtyRoutes.size + this.#dirtyServices.size > 0 || this.#revision === 0)
      this.#refresh(this.#model);
    return this.#revision;
  }

  /** The table of the last revision. */
  table(): RouteTable {
    return {
      ...this.#front,
      hosts: Object.fromEntries(this.#hosts),
      backends: Object.fromEntries(this.#backends),
    };
  }

  /** What turns the table of an earlier revision into that of the last one; undefined where it is too long ago. */
  since(revision: number): TableChange | undefined {
    const behind = this.#revision - revision;
    if (behind < 1 || behind > this.#changes.length) return undefined;
    return this.#changes.slice(-behind).reduce(mergeChanges);
  }

  #readGateway(): void {
    this.#isGatewayDirty = false;
    const gateway = this.#sources.gateway(this.#key);
    const isServed =
      gateway !== undefined && isOurs(this.#sources.gatewayClass(gateway.spec.gatewayClassName));
    this.#model = isServed ? readGateway(gateway, this.#sources) : undefined;
    for (const key of [...this.#sources.routesOf(this.#key), ...this.#parts.keys()])
      this.#dirtyRoutes.add(key);
    // The front is compared even where no route is left to look at.
    this.#dirtyServices.add('');
  }

  #refresh(model: GatewayModel): void {
    const dirtyHosts = new Set<string>();
    const dirtyBackends = new Set<string>();
    this.#markRivals();
    const attached = withoutRivals([...this.#dirtyRoutes].flatMap(key => this.#attached(key, model)));
    const parts = new Map(attached.map(one => [one.route.key, partOf(one)]));
    for (const key of this.#dirtyRoutes)
      this.#readRoute(key, parts.get(key) ?? nothing, dirtyHosts, dirtyBackends);
    for (const key of this.#routesOfBackend.keys())
      if (this.#dirtyServices.has(key.slice(0, key.lastIndexOf(':')))) dirtyBackends.add(key);
    this.#dirtyRoutes.clear();
    this.#dirtyServices.clear();
    const before = this.#front;
    this.#front = compileListeners(model);
    const front = diffTables({ ...emptyTable, ...before }, { ...emptyTable, ...this.#front });
    const hosts = replaceEntries(this.#hosts, dirtyHosts, key => this.#compileHost(key));
    const backends = replaceEntries(this.#backends, dirtyBackends, key => this.#compileBackend(key, model));
    const change: TableChange = {
      put: { ...front?.put, ...sectionOf('hosts', hosts.put), ...sectionOf('backends', backends.put) },
      remove: {
        ...front?.remove,
        ...sectionOf('hosts', hosts.remove),
        ...sectionOf('backends', backends.remove),
      },
    };
    const isFirst = this.#revision === 0;
    if (!isFirst && Object.keys(change.put).length + Object.keys(change.remove).length === 0) return;
    this.#revision++;
    this.#changes = isFirst ? [] : [...this.#changes, change].slice(-REMEMBERED);
  }

  /** Where there are GRPCRoutes, another route may come to stand or to fall with each change of one. */
  #markRivals(): void {
    const before = this.#grpcRoutes.size;
    for (const key of this.#dirtyRoutes) {
      if (this.#sources.route(key)?.kind === 'GRPCRoute') this.#grpcRoutes.add(key);
      else this.#grpcRoutes.delete(key);
    }
    if (this.#dirtyRoutes.size === 0 || before + this.#grpcRoutes.size === 0) return;
    for (const key of [...this.#sources.routesOf(this.#key), ...this.#parts.keys()])
      this.#dirtyRoutes.add(key);
  }

  #readRoute(key: string, after: RoutePart, dirtyHosts: Set<string>, dirtyBackends: Set<string>): void {
    const before = this.#parts.get(key) ?? nothing;
    for (const [index, old, next, dirty] of [
      [this.#routesOfHost, before.hosts, after.hosts, dirtyHosts],
      [this.#routesOfBackend, before.backends, after.backends, dirtyBackends],
    ] as const) {
      for (const entry of old.keys()) {
        dirty.add(entry);
        if (!next.has(entry)) index.get(entry)?.delete(key);
      }
      for (const entry of next.keys()) {
        dirty.add(entry);
        const routes = index.get(entry);
        if (routes === undefined) index.set(entry, new Set([key]));
        else routes.add(key);
      }
    }
    if (after === nothing) this.#parts.delete(key);
    else this.#parts.set(key, after);
  }

  #attached(key: string, model: GatewayModel): readonly AttachedRoute[] {
    const object = this.#sources.route(key);
    if (object === undefined) return [];
    const route = readRoute(object, this.#sources);
    return [{ route, attachments: attach(route, model, this.#sources) }];
  }

  #compileHost(key: string): TableHost | undefined {
    const routes = [...(this.#routesOfHost.get(key) ?? [])];
    const part = routes
      .map(route => this.#parts.get(route)?.hosts.get(key))
      .find(found => found !== undefined);
    if (part !== undefined)
      return compileHost(
        part,
        routes.flatMap(route => this.#parts.get(route)?.ranked ?? []),
      );
    this.#routesOfHost.delete(key);
    return undefined;
  }

  #compileBackend(key: string, model: GatewayModel): TableBackend | undefined {
    const [route] = this.#routesOfBackend.get(key) ?? [];
    const target = route === undefined ? undefined : this.#parts.get(route)?.backends.get(key);
    if (target === undefined) {
      this.#routesOfBackend.delete(key);
      return undefined;
    }
    return compileBackend(target.service, target.port, model, this.#sources);
  }
}

/** What the route has on this Gateway: nothing where it is not attached. */
function partOf(attached: AttachedRoute): RoutePart {
  const hosts = hostsOf(attached);
  const { route } = attached;
  return hosts.size === 0 ? nothing : { ranked: rankedRules(route), hosts, backends: route.backends };
}

/** Compiles the dirty entries anew, in place; what comes out the same is no change. */
function replaceEntries<V>(
  entries: Map<string, V>,
  dirty: ReadonlySet<string>,
  compile: (key: string) => V | undefined,
): { readonly put: Readonly<Record<string, V>>; readonly remove: readonly string[] } {
  const put = new Map<string, V>();
  const remove: string[] = [];
  for (const key of dirty) {
    const next = compile(key);
    if (next === undefined) {
      if (entries.delete(key)) remove.push(key);
    } else if (!isSameEntry(entries.get(key), next)) {
      entries.set(key, next);
      put.set(key, next);
    }
  }
  return { put: Object.fromEntries(put), remove };
}

/** A section without a change is left out. */
const sectionOf = <V extends object>(section: 'hosts' | 'backends', changed: V) =>
  Object.keys(changed).length === 0 ? {} : { [section]: changed };
