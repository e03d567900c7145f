import type { Provenance } from '../base/provenance.ts';
import type { ConfigMap, Namespace, Secret } from '../kube/types/config.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { BackendTLSPolicy } from '../kube/types/gateway-policies.ts';
import type {
  GRPCRoute,
  HTTPRoute,
  ParentReference,
  TCPRoute,
  TLSRoute,
  UDPRoute,
} from '../kube/types/gateway-routes.ts';
import type {
  Gateway,
  GatewayClass,
  Listener,
  ListenerSet,
  ReferenceGrant,
  RouteGroupKind,
} from '../kube/types/gateway.ts';
import type { Service } from '../kube/types/service.ts';
import type { TableClientValidation, TableRule } from './table.ts';

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
  /** What follows may be left out by who reads without it: then there is none. */
  configMap?(key: string): ConfigMap | undefined;
  /** The authorities' certificates that a ConfigMap holds. */
  authorities?(configMap: ConfigMap): AuthoritiesReading;
  /** Those that name the Gateway as their parent. */
  listenerSets?(gatewayKey: string): readonly ListenerSet[];
  /** Those of the Service's namespace that name it, or a port of it. */
  tlsPolicies?(serviceKey: string): readonly BackendTLSPolicy[];
}

export interface Certificate {
  /** Follows from the content. */
  readonly id: string;
  /** PEM, the leaf first. */
  readonly chain: string;
  readonly key: string;
}

export type CertificateReading = { readonly certificate: Certificate } | { readonly problem: string };

/** `authorities`: PEM, at least one certificate. */
export type AuthoritiesReading = { readonly authorities: string } | { readonly problem: string };

/** A condition without times: `reason` is a word of the Gateway API, `message` a sentence. */
export interface Verdict {
  readonly holds: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface ListenerModel {
  /** Unique among those of the Gateway and its ListenerSets: `http`, `shop/more/http`. */
  readonly name: string;
  /** Whose it is. */
  readonly owner: Gateway | ListenerSet;
  readonly listener: Listener;
  /** Lower case; undefined for every name. */
  readonly hostname: string | undefined;
  /** What this listener takes of the kinds that we serve. */
  readonly supportedKinds: readonly RouteGroupKind[];
  readonly accepted: Verdict;
  /** Holds where another listener of the Gateway claims the same. */
  readonly conflicted: Verdict;
  readonly resolvedRefs: Verdict;
  readonly certificates: readonly KnownCertificate[];
  readonly clientValidation: TableClientValidation | undefined;
  /** It is in force: in the route table, or, where it is `isStream`, in the kernel. */
  readonly isServed: boolean;
  readonly provenance: Provenance;
}

export type KnownCertificate = Certificate & { readonly provenance: Provenance };

/** Listeners that a set adds to a Gateway. */
export interface ListenerSetModel {
  /** `namespace/name`. */
  readonly key: string;
  readonly set: ListenerSet;
  /** Holds where at least one of its listeners is accepted. */
  readonly accepted: Verdict;
  /** In the order of the spec; empty where the set may not stand on the Gateway. */
  readonly listeners: readonly ListenerModel[];
}

export interface GatewayModel {
  /** `namespace/name`. */
  readonly key: string;
  readonly gateway: Gateway;
  readonly accepted: Verdict;
  /** Something that the Gateway itself refers to is not there; absent where it refers to nothing. */
  readonly resolvedRefs: Verdict | undefined;
  /** Its own, in the order of the spec. */
  readonly listeners: readonly ListenerModel[];
  /** Those that name it as their parent, the oldest first. */
  readonly sets: readonly ListenerSetModel[];
  /** Some of its listeners let clients in whose certificates prove nothing. */
  readonly isInsecure: boolean;
  /** What it shows to backends that ask for a certificate. */
  readonly clientCertificate: KnownCertificate | undefined;
}

/** Of a Gateway and all of its sets. */
export const allListeners = ({ listeners, sets }: GatewayModel): readonly ListenerModel[] =>
  sets.length === 0 ? listeners : [...listeners, ...sets.flatMap(set => set.listeners)];

/** Connections are translated in the kernel; no proxy sees them. */
export const isStream = ({ listener: { protocol } }: Pick<ListenerModel, 'listener'>): boolean =>
  protocol === 'TCP' || protocol === 'UDP';

/** A route that a proxy serves. */
export type ProxiedRoute = HTTPRoute | GRPCRoute | TLSRoute;
/** A route that the kernel serves. */
export type StreamRoute = TCPRoute | UDPRoute;
export type Route = ProxiedRoute | StreamRoute;

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

/** One of a route's parentRefs that leads to a Gateway of ours, or to a set of one. */
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

/**
 * Whom a parentRef leads to: `namespace/name` of a Gateway, `ListenerSet:namespace/name` of a set; undefined for other kinds
 * of parents.
 */
export function parentKey(reference: ParentReference, routeNamespace: string): string | undefined {
  const { group = GATEWAY_GROUP, kind = 'Gateway', namespace = routeNamespace, name } = reference;
  if (group !== GATEWAY_GROUP) return undefined;
  if (kind === 'Gateway') return `${namespace}/${name}`;
  return kind === 'ListenerSet' ? setParent(`${namespace}/${name}`) : undefined;
}

/** As `parentKey` says it of a ListenerSet's `namespace/name`. */
export const setParent = (set: string): string => `ListenerSet:${set}`;
