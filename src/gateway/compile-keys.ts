import type { BackendObjectReference, HTTPRouteFilter } from '../kube/types/gateway-routes.ts';
import type { BackendTLSPolicy } from '../kube/types/gateway-policies.ts';
import type { Gateway, ListenerSet } from '../kube/types/gateway.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import type { AnyRule } from './compile-grpc-rule.ts';
import { GATEWAY_GROUP, parentKey } from './model.ts';
import type { Route } from './model.ts';

/** What objects refer to, as `namespace/name`: indexes are made of it. Each key once. */

/** Names a route among those of all kinds: `namespace/name` of an HTTPRoute, with the kind and a colon before it for others. */
export function routeKey({ kind, metadata }: Route): string {
  const key = `${metadata.namespace ?? ''}/${metadata.name}`;
  return kind === 'HTTPRoute' ? key : `${kind}:${key}`;
}

/** Gateways, and sets of listeners, that a route names as parents, as `parentKey` names them. */
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
        ...namedBy(filters),
        ...backendRefs.flatMap(reference => namedBy(reference.filters ?? [])),
      ])
      .map(({ namespace = own, name }) => `${namespace}/${name}`),
  );
}

const namedBy = (filters: readonly HTTPRouteFilter[]): readonly BackendObjectReference[] =>
  filters.flatMap(({ externalAuth, requestMirror }) =>
    [externalAuth?.backendRef, requestMirror?.backendRef].filter(reference => reference !== undefined),
  );

/** Secrets that a Gateway, or a set of listeners, takes certificates from, whether or not it may. */
export function secretsOf({ metadata, spec }: Gateway | ListenerSet): readonly string[] {
  const client = 'tls' in spec ? spec.tls?.backend?.clientCertificateRef : undefined;
  return unique(
    [
      ...spec.listeners.flatMap(({ tls }) => tls?.certificateRefs ?? []),
      ...(client === undefined ? [] : [client]),
    ].map(({ namespace = metadata.namespace ?? '', name }) => `${namespace}/${name}`),
  );
}

/** ConfigMaps that a Gateway takes its clients' authorities from, whether or not it may. */
export function configMapsOf({ metadata, spec }: Gateway): readonly string[] {
  const { default: all, perPort = [] } = spec.tls?.frontend ?? {};
  const references = [all, ...perPort.map(({ tls }) => tls)].flatMap(
    entry => entry?.validation?.caCertificateRefs ?? [],
  );
  return unique(references.map(({ namespace = metadata.namespace ?? '', name }) => `${namespace}/${name}`));
}

/** The Gateway that a set of listeners names as its parent; undefined for a parent of another kind. */
export function gatewayOfSet({ metadata, spec }: ListenerSet): string | undefined {
  const {
    group = GATEWAY_GROUP,
    kind = 'Gateway',
    namespace = metadata.namespace ?? '',
    name,
  } = spec.parentRef;
  return group === GATEWAY_GROUP && kind === 'Gateway' ? `${namespace}/${name}` : undefined;
}

/** Services that a policy names. */
export function servicesOfPolicy({ metadata, spec }: BackendTLSPolicy): readonly string[] {
  return unique(
    spec.targetRefs
      .filter(({ group, kind }) => group === '' && kind === 'Service')
      .map(({ name }) => `${metadata.namespace ?? ''}/${name}`),
  );
}

/** ConfigMaps that a policy takes authorities from. */
export function configMapsOfPolicy({ metadata, spec }: BackendTLSPolicy): readonly string[] {
  const references = spec.validation.caCertificateRefs ?? [];
  return unique(
    references
      .filter(({ group, kind }) => group === '' && kind === 'ConfigMap')
      .map(({ name }) => `${metadata.namespace ?? ''}/${name}`),
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
