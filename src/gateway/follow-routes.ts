import type { Change, Informer, InformerOptions } from '../kube/informer.ts';
import { GRPC_ROUTES, HTTP_ROUTES } from '../kube/resources.ts';
import type { Resource } from '../kube/resources.ts';
import type { GRPCRoute, HTTPRoute } from '../kube/types/gateway-routes.ts';
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

  constructor(follow: Follow) {
    this.#http = follow(HTTP_ROUTES, options);
    this.#grpc = follow(GRPC_ROUTES, options);
  }

  get synced(): Promise<unknown> {
    return Promise.all([this.#http.synced, this.#grpc.synced]);
  }

  start(signal: AbortSignal): void {
    this.#http.start(signal);
    this.#grpc.start(signal);
  }

  get(key: string): Route | undefined {
    const [kind, object] = key.split(':');
    return object === undefined ? this.#http.cache.get(kind ?? '') : this.#grpc.cache.get(object);
  }

  by(index: RouteIndex, value: string): readonly Route[] {
    return [...this.#http.cache.by(index, value), ...this.#grpc.cache.by(index, value)];
  }

  keysBy(index: RouteIndex, value: string): readonly string[] {
    return this.by(index, value).map(routeKey);
  }

  /** Returns what ends it. */
  onChange(handler: (change: Change<Route>) => void): () => void {
    const ends = [this.#http.onChange(handler), this.#grpc.onChange(handler)];
    return () => {
      for (const end of ends) end();
    };
  }
}
