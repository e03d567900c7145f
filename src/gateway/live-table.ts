import { attach } from './compile-attachment.ts';
import { compileBackend } from './compile-backends.ts';
import { readGateway } from './compile-gateway.ts';
import { readRoute } from './compile-route.ts';
import { compileHost, compileListeners, hostsOf, rankedRules } from './compile-table.ts';
import type { HostPart } from './compile-table.ts';
import type { RankedRule } from './compile-precedence.ts';
import { isOurs } from './model.ts';
import type { GatewayModel, GatewaySources } from './model.ts';
import type { RouteTable, TableBackend, TableHost } from './table.ts';
import type { HTTPRoute } from '../kube/types/gateway-routes.ts';
import type { Gateway, GatewayClass } from '../kube/types/gateway.ts';

/** Where a live table reads from: what is there now, by `namespace/name`. */
export interface LiveSources extends GatewaySources {
  gatewayClass(name: string): GatewayClass | undefined;
  gateway(key: string): Gateway | undefined;
  route(key: string): HTTPRoute | undefined;
  /** Keys of the routes that name the Gateway as a parent. */
  routesOf(gatewayKey: string): readonly string[];
}

interface RoutePart {
  readonly ranked: readonly RankedRule[];
  readonly hosts: ReadonlyMap<string, HostPart>;
  readonly backends: ReadonlyMap<string, { readonly service: string; readonly port: number }>;
}

const nothing: RoutePart = { ranked: [], hosts: new Map(), backends: new Map() };

/**
 * The table of one Gateway, kept up to date: equal to `compileTable` of everything at any time, at the cost of what
 * changed. Entries that are the same are the same objects in the next table.
 */
export class LiveTable {
  readonly #key: string;
  readonly #sources: LiveSources;
  #model: GatewayModel | undefined;
  readonly #parts = new Map<string, RoutePart>();
  readonly #routesOfHost = new Map<string, Set<string>>();
  readonly #routesOfBackend = new Map<string, Set<string>>();
  readonly #hosts = new Map<string, TableHost>();
  readonly #backends = new Map<string, TableBackend>();
  #table: RouteTable | undefined;
  #isGatewayDirty = true;
  readonly #dirtyRoutes = new Set<string>();
  readonly #dirtyServices = new Set<string>();

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

  /** The Service, `namespace/name`, or its slices. */
  endpointsChanged(service: string): void {
    this.#dirtyServices.add(service);
  }

  /** Undefined while there is no such Gateway of ours. */
  table(): RouteTable | undefined {
    if (this.#isGatewayDirty) this.#readGateway();
    if (this.#model === undefined) return undefined;
    if (this.#dirtyRoutes.size + this.#dirtyServices.size === 0 && this.#table !== undefined)
      return this.#table;
    const dirtyHosts = new Set<string>();
    const dirtyBackends = new Set<string>();
    for (const key of this.#dirtyRoutes) this.#readRoute(key, this.#model, dirtyHosts, dirtyBackends);
    for (const key of this.#routesOfBackend.keys())
      if (this.#dirtyServices.has(key.slice(0, key.lastIndexOf(':')))) dirtyBackends.add(key);
    for (const key of dirtyHosts) this.#compileHost(key);
    for (const key of dirtyBackends) this.#compileBackend(key);
    this.#dirtyRoutes.clear();
    this.#dirtyServices.clear();
    const before = this.#table;
    this.#table = {
      ...(before === undefined ? compileListeners(this.#model) : before),
      hosts: before !== undefined && dirtyHosts.size === 0 ? before.hosts : Object.fromEntries(this.#hosts),
      backends:
        before !== undefined && dirtyBackends.size === 0
          ? before.backends
          : Object.fromEntries(this.#backends),
    };
    return this.#table;
  }

  #readGateway(): void {
    this.#isGatewayDirty = false;
    this.#table = undefined;
    const gateway = this.#sources.gateway(this.#key);
    const isServed =
      gateway !== undefined && isOurs(this.#sources.gatewayClass(gateway.spec.gatewayClassName));
    this.#model = isServed ? readGateway(gateway, this.#sources) : undefined;
    for (const key of [...this.#sources.routesOf(this.#key), ...this.#parts.keys()])
      this.#dirtyRoutes.add(key);
  }

  #readRoute(key: string, model: GatewayModel, dirtyHosts: Set<string>, dirtyBackends: Set<string>): void {
    const before = this.#parts.get(key) ?? nothing;
    const after = this.#partOf(key, model);
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

  /** What the route has on this Gateway: nothing where it is gone, or not attached. */
  #partOf(key: string, model: GatewayModel): RoutePart {
    const object = this.#sources.route(key);
    if (object === undefined) return nothing;
    const route = readRoute(object, this.#sources);
    const hosts = hostsOf({ route, attachments: attach(route, model, this.#sources) });
    return hosts.size === 0 ? nothing : { ranked: rankedRules(route), hosts, backends: route.backends };
  }

  #compileHost(key: string): void {
    const routes = [...(this.#routesOfHost.get(key) ?? [])];
    const part = routes
      .map(route => this.#parts.get(route)?.hosts.get(key))
      .find(found => found !== undefined);
    if (part === undefined) {
      this.#routesOfHost.delete(key);
      this.#hosts.delete(key);
      return;
    }
    this.#hosts.set(
      key,
      compileHost(
        part,
        routes.flatMap(route => this.#parts.get(route)?.ranked ?? []),
      ),
    );
  }

  #compileBackend(key: string): void {
    const [route] = this.#routesOfBackend.get(key) ?? [];
    const target = route === undefined ? undefined : this.#parts.get(route)?.backends.get(key);
    const service = target === undefined ? undefined : this.#sources.service(target.service);
    if (target === undefined) this.#routesOfBackend.delete(key);
    if (target === undefined || service === undefined) this.#backends.delete(key);
    else this.#backends.set(key, compileBackend(service, target.port, this.#sources.slices(target.service)));
  }
}
