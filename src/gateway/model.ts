import type { Provenance } from '../base/provenance.ts';
import type { Namespace, Secret } from '../kube/types/config.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { GRPCRoute, HTTPRoute, ParentReference, TLSRoute } from '../kube/types/gateway-routes.ts';
import type {
  Gateway,
  GatewayClass,
  Listener,
  ReferenceGrant,
  RouteGroupKind,
} from '../kube/types/gateway.ts';
import type { Service } from '../kube/types/service.ts';
import type { TableRule } from './table.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
/** GatewayClass.spec.controllerName of the classes that are ours. */
export const CONTROLLER_NAME = 'fairlead.dev/gateway-controller';
/** What is made for a Gateway carries the Gateway's name in it (GEP-1762). */
export const GATEWAY_LABEL = 'gateway.networking.k8s.io/gateway-name';

/** The objects that a Gateway and its routes refer to. `key` is `namespace/name`. */
export interface GatewaySources {
  namespace(name: string): Namespace | undefined;
  service(key: string): Service | undefined;
  /** The slices of a Service. */
  slices(serviceKey: string): readonly EndpointSlice[];
  secret(key: string): Secret | undefined;
  /** The grants in a namespace. */
  grants(namespace: string): readonly ReferenceGrant[];
  /** Is the Secret a pair that TLS can be served with? Cryptography stays outside of the model. */
  certificate(secret: Secret): CertificateReading;
}

export interface Certificate {
  /** Follows from the content. */
  readonly id: string;
  /** PEM, the leaf first. */
  readonly chain: string;
  readonly key: string;
}

export type CertificateReading = { readonly certificate: Certificate } | { readonly problem: string };

/** A condition without times: `reason` is a word of the Gateway API, `message` a sentence. */
export interface Verdict {
  readonly holds: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface ListenerModel {
  readonly listener: Listener;
  /** Lower case; undefined for every name. */
  readonly hostname: string | undefined;
  /** What this listener takes of the kinds that we serve. */
  readonly supportedKinds: readonly RouteGroupKind[];
  readonly accepted: Verdict;
  /** Holds where another listener of the Gateway claims the same. */
  readonly conflicted: Verdict;
  readonly resolvedRefs: Verdict;
  readonly certificates: readonly (Certificate & { readonly provenance: Provenance })[];
  /** It stands in the route table. */
  readonly isServed: boolean;
  readonly provenance: Provenance;
}

export interface GatewayModel {
  /** `namespace/name`. */
  readonly key: string;
  readonly gateway: Gateway;
  readonly accepted: Verdict;
  /** Something that the Gateway itself refers to is not there; absent where it refers to nothing. */
  readonly resolvedRefs: Verdict | undefined;
  /** In the order of the spec. */
  readonly listeners: readonly ListenerModel[];
}

/** A route that a proxy serves. */
export type Route = HTTPRoute | GRPCRoute | TLSRoute;

/** What one route asks for, whatever it is attached to. */
export interface RouteModel {
  /** `routeKey`. */
  readonly key: string;
  readonly route: Route;
  /** Lower case; empty for every name. */
  readonly hostnames: readonly string[];
  /** In the order of the spec; each match of a rule is one. */
  readonly rules: readonly TableRule[];
  readonly accepted: Verdict;
  readonly partiallyInvalid: Verdict | undefined;
  readonly resolvedRefs: Verdict;
  /** By `backendKey`: the Services that valid references lead to. */
  readonly backends: ReadonlyMap<string, { readonly service: string; readonly port: number }>;
}

/** One of a route's parentRefs that leads to a Gateway of ours. */
export interface Attachment {
  readonly parentRef: ParentReference;
  /** Which of the route's parentRefs it is. */
  readonly index: number;
  readonly verdict: Verdict;
  /** Those that the route stands on; empty unless the verdict holds. */
  readonly listeners: readonly ListenerModel[];
}

export const isOurs = (gatewayClass: GatewayClass | undefined): boolean =>
  gatewayClass?.spec.controllerName === CONTROLLER_NAME;

export const good = (reason: string, message: string): Verdict => ({ holds: true, reason, message });
export const bad = (reason: string, message: string): Verdict => ({ holds: false, reason, message });

/** The `namespace/name` of a Gateway that a parentRef leads to; undefined for another kind of parent. */
export function parentKey(reference: ParentReference, routeNamespace: string): string | undefined {
  const { group = GATEWAY_GROUP, kind = 'Gateway', namespace = routeNamespace, name } = reference;
  return group === GATEWAY_GROUP && kind === 'Gateway' ? `${namespace}/${name}` : undefined;
}
