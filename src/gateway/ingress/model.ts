import type { Ingress, IngressClass } from '../../kube/types/networking.ts';

/** IngressClass.spec.controller of the classes that are ours. */
export const INGRESS_CONTROLLER = 'fairlead.dev/ingress-controller';
/** Proxies of a class carry its name in it. */
export const INGRESS_CLASS_LABEL = 'fairlead.dev/ingress-class';
/** Where the proxies of every class stand: a class has no namespace. */
export const INGRESS_NAMESPACE = 'kube-system';
/** What was there before `spec.ingressClassName` (Kubernetes 1.18). */
const LEGACY_ANNOTATION = 'kubernetes.io/ingress.class';

export const isOurIngressClass = (ingressClass: IngressClass | undefined): boolean =>
  ingressClass?.spec?.controller === INGRESS_CONTROLLER;

/** The class that an Ingress names; the API server writes the default one into it when it is made. */
export const classNameOf = ({ metadata, spec }: Ingress): string | undefined =>
  spec.ingressClassName ?? metadata.annotations?.[LEGACY_ANNOTATION];

/** Secrets, as `namespace/name`, that an Ingress takes certificates from. */
export const secretsOfIngress = ({ metadata, spec }: Ingress): readonly string[] =>
  (spec.tls ?? []).flatMap(({ secretName }) =>
    secretName === undefined || secretName === '' ? [] : [`${metadata.namespace ?? ''}/${secretName}`],
  );

/** Services, as `namespace/name`, that an Ingress leads to. */
export const servicesOfIngress = ({ metadata, spec }: Ingress): readonly string[] =>
  [
    spec.defaultBackend,
    ...(spec.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend)),
  ].flatMap(backend =>
    backend?.service === undefined ? [] : [`${metadata.namespace ?? ''}/${backend.service.name}`],
  );

/** What proxies of a class are told that they serve; no Gateway is called so. */
export const ingressKey = (className: string): string => `IngressClass/${className}`;
