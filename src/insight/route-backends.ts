import type {
  GRPCRoute,
  HTTPRoute,
  ParentReference,
  RouteStatus,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../kube/types/gateway-routes.ts';
import type { ObjectMeta } from '../kube/types/meta.ts';
import type { Ingress, IngressBackend } from '../kube/types/networking.ts';

export type RouteKind = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute' | 'UDPRoute';

/** A route of any kind, as far as its parents, hosts and backends go. */
export interface Route {
  readonly kind: RouteKind;
  readonly metadata: ObjectMeta;
  readonly hostnames: readonly string[];
  readonly parentRefs: readonly ParentReference[];
  readonly status: RouteStatus | undefined;
  readonly backends: readonly RouteBackend[];
}

/** A list of each kind of route. */
export interface RouteLists {
  readonly httpRoutes: readonly HTTPRoute[];
  readonly grpcRoutes: readonly GRPCRoute[];
  readonly tlsRoutes: readonly TLSRoute[];
  readonly tcpRoutes: readonly TCPRoute[];
  readonly udpRoutes: readonly UDPRoute[];
}

/** A Service that an Ingress or a route leads to. */
export interface RouteBackend {
  readonly object: { readonly kind: 'Ingress' | RouteKind; readonly metadata: ObjectMeta };
  readonly field: string;
  /** `namespace/name` */
  readonly service: string;
  /** A number or a name; absent: none is given. */
  readonly port: string | undefined;
}

/** What of a route is read: every kind has these fields, or none. */
interface RouteShape {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly hostnames?: readonly string[];
    readonly parentRefs?: readonly ParentReference[];
    readonly rules?: readonly {
      readonly backendRefs?: readonly Reference[];
      readonly filters?: readonly { readonly requestMirror?: { readonly backendRef: Reference } }[];
    }[];
  };
  readonly status?: RouteStatus;
}

interface Reference {
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

/** The routes of all kinds, one after the other. */
export function routesOf(lists: RouteLists): readonly Route[] {
  const ofKind = (kind: RouteKind, routes: readonly RouteShape[]): readonly Route[] =>
    routes.map(route => ({
      kind,
      metadata: route.metadata,
      hostnames: route.spec.hostnames ?? [],
      parentRefs: route.spec.parentRefs ?? [],
      status: route.status,
      backends: backendsOfRoute(kind, route),
    }));
  return [
    ...ofKind('HTTPRoute', lists.httpRoutes),
    ...ofKind('GRPCRoute', lists.grpcRoutes),
    ...ofKind('TLSRoute', lists.tlsRoutes),
    ...ofKind('TCPRoute', lists.tcpRoutes),
    ...ofKind('UDPRoute', lists.udpRoutes),
  ];
}

/** Every Service that is named as a backend or as a mirror, with the field that names it. Other kinds are left out. */
function backendsOfRoute(kind: RouteKind, { metadata, spec }: RouteShape): readonly RouteBackend[] {
  const one = (reference: Reference | undefined, field: string): readonly RouteBackend[] => {
    const isService = (reference?.group ?? '') === '' && (reference?.kind ?? 'Service') === 'Service';
    if (reference === undefined || !isService) return [];
    const { name, namespace = metadata.namespace ?? 'default', port } = reference;
    return [
      {
        object: { kind, metadata },
        field,
        service: `${namespace}/${name}`,
        port: port === undefined ? undefined : String(port),
      },
    ];
  };
  return (spec.rules ?? []).flatMap(({ backendRefs = [], filters = [] }, rule) => [
    ...backendRefs.flatMap((reference, index) => one(reference, `spec.rules[${rule}].backendRefs[${index}]`)),
    ...filters.flatMap(({ requestMirror }, index) =>
      one(requestMirror?.backendRef, `spec.rules[${rule}].filters[${index}].requestMirror.backendRef`),
    ),
  ]);
}

/** Every Service that an Ingress names as a backend. */
export function backendsOfIngress({ metadata, spec }: Ingress): readonly RouteBackend[] {
  const object = { kind: 'Ingress', metadata } as const;
  const one = (backend: IngressBackend | undefined, field: string): readonly RouteBackend[] => {
    if (backend?.service === undefined) return [];
    const { name, port } = backend.service;
    return [
      {
        object,
        field: `${field}.service`,
        service: `${metadata.namespace ?? 'default'}/${name}`,
        port: port?.name ?? (port?.number === undefined ? undefined : String(port.number)),
      },
    ];
  };
  return [
    ...one(spec.defaultBackend, 'spec.defaultBackend'),
    ...(spec.rules ?? []).flatMap(({ http }, rule) =>
      (http?.paths ?? []).flatMap(({ backend }, path) =>
        one(backend, `spec.rules[${rule}].http.paths[${path}].backend`),
      ),
    ),
  ];
}
