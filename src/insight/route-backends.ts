import type { HTTPRoute } from '../kube/types/gateway-routes.ts';
import type { Ingress, IngressBackend } from '../kube/types/networking.ts';
import type { ObjectMeta } from '../kube/types/meta.ts';

/** A Service that an Ingress or a route leads to. */
export interface RouteBackend {
  readonly object: { readonly kind: 'Ingress' | 'HTTPRoute'; readonly metadata: ObjectMeta };
  readonly field: string;
  /** `namespace/name` */
  readonly service: string;
  /** A number or a name; absent: none is given. */
  readonly port: string | undefined;
}

/** Every Service that is named as a backend, with the field that names it. Backends of other kinds are left out. */
export function backendsOf(
  ingresses: readonly Ingress[],
  routes: readonly HTTPRoute[],
): readonly RouteBackend[] {
  return [...ingresses.flatMap(ofIngress), ...routes.flatMap(ofRoute)];
}

function ofIngress({ metadata, spec }: Ingress): readonly RouteBackend[] {
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

function ofRoute({ metadata, spec }: HTTPRoute): readonly RouteBackend[] {
  return (spec.rules ?? []).flatMap(({ backendRefs = [] }, rule) =>
    backendRefs.flatMap(({ group = '', kind = 'Service', name, namespace, port }, index) =>
      group !== '' || kind !== 'Service'
        ? []
        : [
            {
              object: { kind: 'HTTPRoute' as const, metadata },
              field: `spec.rules[${rule}].backendRefs[${index}]`,
              service: `${namespace ?? metadata.namespace ?? 'default'}/${name}`,
              port: port === undefined ? undefined : String(port),
            },
          ],
    ),
  );
}
