import type { Change, Informer, InformerOptions } from '../kube/informer.ts';
import {
  GRPC_ROUTES,
  HTTP_ROUTES,
  LISTENER_SETS,
  TCP_ROUTES,
  TLS_ROUTES,
  UDP_ROUTES,
} from '../kube/resources.ts';
import type { Resource } from '../kube/resources.ts';
import type { ListenerSet } from '../kube/types/gateway.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import { backendsOf, gatewayOfSet, namespaceOf, parentsOf, routeKey, secretsOf } from './compile-keys.ts';
import { setParent } from './model.ts';
import type { Route } from './model.ts';

export type RouteIndex = 'parent' | 'namespace' | 'backend' | 'backendNamespace';

type Follow = <T extends KubeObject>(resource: Resource<T>, options: InformerOptions<T>) => Informer<T>;

type Followed<T extends KubeObject> = Pick<Informer<T>, 'cache' | 'onChange' | 'start' | 'synced'>;

const options = {
  // Where one of the kinds is not installed there are none of it, until it is.
  absent: 'empty',
  indexes: {
    parent: parentsOf,
    namespace: (route: Route) => [route.metadata.namespace ?? ''],
    backend: backendsOf,
    backendNamespace: (route: Route) => backendsOf(route).map(namespaceOf),
  },
} as const;

/** Which routes are followed: those that proxies serve, those that the kernel serves, or both. */
export type FollowedKinds = 'proxied' | 'streams' | 'all';

/** Routes, by `routeKey`, and the sets of listeners by which they may stand on a Gateway, as the API has them. */
export class FollowedRoutes {
  readonly #byKind: ReadonlyMap<string, Followed<Route>>;
  readonly sets: Informer<ListenerSet>;

  constructor(follow: Follow, kinds: FollowedKinds) {
    const byKind = new Map<string, Followed<Route>>();
    // Who follows only what the kernel serves has more to do than that: it does not wait for leave to see it.
    const absent = kinds === 'streams' ? 'empty-or-forbidden' : 'empty';
    if (kinds !== 'streams') {
      byKind.set('HTTPRoute', follow(HTTP_ROUTES, options));
      byKind.set('GRPCRoute', follow(GRPC_ROUTES, options));
      byKind.set('TLSRoute', follow(TLS_ROUTES, options));
    }
    if (kinds !== 'proxied') {
      byKind.set('TCPRoute', follow(TCP_ROUTES, { ...options, absent }));
      byKind.set('UDPRoute', follow(UDP_ROUTES, { ...options, absent }));
    }
    this.#byKind = byKind;
    this.sets = follow(LISTENER_SETS, {
      absent,
      indexes: {
        gateway: set => [gatewayOfSet(set) ?? ''],
        namespace: set => [set.metadata.namespace ?? ''],
        secret: secretsOf,
        secretNamespace: set => secretsOf(set).map(namespaceOf),
      },
    });
  }

  get synced(): Promise<unknown> {
    return Promise.all([this.sets, ...this.#byKind.values()].map(informer => informer.synced));
  }

  start(signal: AbortSignal): void {
    for (const informer of [this.sets, ...this.#byKind.values()]) informer.start(signal);
  }

  get(key: string): Route | undefined {
    const [kind = '', object] = key.split(':');
    if (object === undefined) return this.#byKind.get('HTTPRoute')?.cache.get(kind);
    return this.#byKind.get(kind)?.cache.get(object);
  }

  list(): readonly Route[] {
    return [...this.#byKind.values()].flatMap(({ cache }) => cache.list());
  }

  by(index: RouteIndex, value: string): readonly Route[] {
    return [...this.#byKind.values()].flatMap(({ cache }) => cache.by(index, value));
  }

  /** Sets that name the Gateway, whether or not they may. */
  setsOf(gateway: string): readonly ListenerSet[] {
    return this.sets.cache.by('gateway', gateway);
  }

  /** Routes that name the Gateway, or a set of it. Each once. */
  keysOf(gateway: string): readonly string[] {
    const keys = new Set(this.#parents(gateway).flatMap(parent => this.by('parent', parent).map(routeKey)));
    return [...keys];
  }

  /** Gateways that a route names, or that sets name that it names. */
  gatewaysOf(route: Route): readonly string[] {
    const found = parentsOf(route).flatMap(parent => {
      if (!parent.startsWith(setParent(''))) return [parent];
      const set = this.sets.cache.get(parent.slice(setParent('').length));
      return set === undefined ? [] : (gatewayOfSet(set) ?? []);
    });
    return [...new Set(found)];
  }

  /** Whether there is a GRPCRoute on the Gateway. */
  hasCalls(gateway: string): boolean {
    const calls = this.#byKind.get('GRPCRoute')?.cache;
    return this.#parents(gateway).some(parent => (calls?.by('parent', parent).length ?? 0) > 0);
  }

  keysBy(index: RouteIndex, value: string): readonly string[] {
    return this.by(index, value).map(routeKey);
  }

  /** Returns what ends it. */
  onChange(handler: (change: Change<Route>) => void): () => void {
    const ends = [...this.#byKind.values()].map(informer => informer.onChange(handler));
    return () => {
      for (const end of ends) end();
    };
  }

  #parents(gateway: string): readonly string[] {
    const sets = this.setsOf(gateway).map(({ metadata }) =>
      setParent(`${metadata.namespace ?? ''}/${metadata.name}`),
    );
    return [gateway, ...sets];
  }
}
