import type { Change, Informer, InformerOptions } from '../kube/informer.ts';
import { GRPC_ROUTES, HTTP_ROUTES, TLS_ROUTES } from '../kube/resources.ts';
import type { Resource } from '../kube/resources.ts';
import type { GRPCRoute, HTTPRoute, TLSRoute } from '../kube/types/gateway-routes.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import { backendsOf, namespaceOf, parentsOf, routeKey } from './compile-keys.ts';
import type { Route } from './model.ts';

export type RouteIndex = 'parent' | 'namespace' | 'backend' | 'backendNamespace';

type Follow = <T extends KubeObject>(resource: Resource<T>, options: InformerOptions<T>) => Informer<T>;

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

/** The routes that proxies serve, of all kinds, as the API has them; by `routeKey`. */
export class FollowedRoutes {
  readonly #http: Informer<HTTPRoute>;
  readonly #grpc: Informer<GRPCRoute>;
  readonly #tls: Informer<TLSRoute>;

  constructor(follow: Follow) {
    this.#http = follow(HTTP_ROUTES, options);
    this.#grpc = follow(GRPC_ROUTES, options);
    this.#tls = follow(TLS_ROUTES, options);
  }

  get synced(): Promise<unknown> {
    return Promise.all([this.#http.synced, this.#grpc.synced, this.#tls.synced]);
  }

  start(signal: AbortSignal): void {
    this.#http.start(signal);
    this.#grpc.start(signal);
    this.#tls.start(signal);
  }

  get(key: string): Route | undefined {
    const [kind = '', object] = key.split(':');
    if (object === undefined) return this.#http.cache.get(kind);
    return (kind === 'GRPCRoute' ? this.#grpc : this.#tls).cache.get(object);
  }

  by(index: RouteIndex, value: string): readonly Route[] {
    return [this.#http, this.#grpc, this.#tls].flatMap<Route>(({ cache }) => cache.by(index, value));
  }

  /** Whether there is a GRPCRoute on the Gateway. */
  hasCalls(gateway: string): boolean {
    return this.#grpc.cache.by('parent', gateway).length > 0;
  }

  keysBy(index: RouteIndex, value: string): readonly string[] {
    return this.by(index, value).map(routeKey);
  }

  /** Returns what ends it. */
  onChange(handler: (change: Change<Route>) => void): () => void {
    const ends = [this.#http.onChange(handler), this.#grpc.onChange(handler), this.#tls.onChange(handler)];
    return () => {
      for (const end of ends) end();
    };
  }
}
