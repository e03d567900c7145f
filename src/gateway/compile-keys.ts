import type { BackendObjectReference, HTTPRouteFilter } from '../kube/types/gateway-routes.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import type { AnyRule } from './compile-grpc-rule.ts';
import { parentKey } from './model.ts';
import type { Route } from './model.ts';

/** What objects refer to, as `namespace/name`: indexes are made of it. Each key once. */

/** Names a route among those of all kinds: `namespace/name` of an HTTPRoute, with the kind and a colon before it for others. */
export function routeKey({ kind, metadata }: Route): string {
  const key = `${metadata.namespace ?? ''}/${metadata.name}`;
  return kind === 'HTTPRoute' ? key : `${kind}:${key}`;
}

/** Gateways that a route names as parents. */
export function parentsOf({ metadata, spec }: Route): readonly string[] {
  return unique((spec.parentRefs ?? []).flatMap(parent => parentKey(parent, metadata.namespace ?? '') ?? []));
}

/** Services that a route sends requests to, or copies of them, whether or not it may. */
export function backendsOf(route: Route): readonly string[] {
  const own = route.metadata.namespace ?? '';
  const rules: readonly AnyRule[] = route.spec.rules ?? [];
  return unique(
    rules
      .flatMap(({ backendRefs = [], filters = [] }) => [
        ...backendRefs,
        ...mirrorsOf(filters),
        ...backendRefs.flatMap(reference => mirrorsOf(reference.filters ?? [])),
      ])
      .map(({ namespace = own, name }) => `${namespace}/${name}`),
  );
}

const mirrorsOf = (filters: readonly HTTPRouteFilter[]): readonly BackendObjectReference[] =>
  filters.flatMap(({ requestMirror }) => requestMirror?.backendRef ?? []);

/** Secrets that a Gateway's listeners take their certificates from, whether or not they may. */
export function secretsOf({ metadata, spec }: Gateway): readonly string[] {
  return unique(
    spec.listeners.flatMap(({ tls }) =>
      (tls?.certificateRefs ?? []).map(
        ({ namespace = metadata.namespace ?? '', name }) => `${namespace}/${name}`,
      ),
    ),
  );
}

export const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));

/** Is only the status, or what else does not count a generation, another? */
export function isSameSpec(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  const generation = before?.metadata.generation;
  return (
    generation !== undefined &&
    generation === after?.metadata.generation &&
    before?.metadata.uid === after.metadata.uid
  );
}

const unique = (keys: readonly string[]): readonly string[] => [...new Set(keys)];
