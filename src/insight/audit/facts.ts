import type { DaemonSet, Deployment } from '../../kube/types/apps.ts';
import type { ClusterNetworkPolicy } from '../../kube/types/cluster-network-policy.ts';
import type { ConfigMap, Namespace } from '../../kube/types/config.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { PodDisruptionBudget } from '../../kube/types/disruption.ts';
import type { GRPCRoute, HTTPRoute, TCPRoute, TLSRoute, UDPRoute } from '../../kube/types/gateway-routes.ts';
import type { Gateway, GatewayClass, ReferenceGrant } from '../../kube/types/gateway.ts';
import type { ObjectMeta } from '../../kube/types/meta.ts';
import type { Ingress, IngressClass, NetworkPolicy } from '../../kube/types/networking.ts';
import type { Node } from '../../kube/types/node.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';

/** What is known of a kind: all of its objects, or why not. */
export type Known<T> =
  | { readonly items: readonly T[]; readonly why?: never }
  | { readonly items?: never; readonly why: string };

/** A certificate of a TLS Secret; the key is not read. */
export interface CertificateFacts {
  readonly metadata: ObjectMeta;
  /** Milliseconds since 1970; absent where the certificate cannot be read. */
  readonly notAfter?: number;
  readonly problem?: string;
}

/** One line of Prometheus’ text format, as a server or an exporter gave it. */
export interface MetricSample {
  /** Where it was read. */
  readonly source: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A CustomResourceDefinition, as far as the audit reads it. */
export interface DefinitionFacts {
  readonly metadata: ObjectMeta;
}

/** Lists of each kind, as an API server or files gave them. */
export interface AuditObjects {
  readonly nodes: Known<Node>;
  readonly pods: Known<Pod>;
  readonly namespaces: Known<Namespace>;
  readonly services: Known<Service>;
  readonly endpointSlices: Known<EndpointSlice>;
  readonly configMaps: Known<ConfigMap>;
  readonly daemonSets: Known<DaemonSet>;
  readonly deployments: Known<Deployment>;
  readonly disruptionBudgets: Known<PodDisruptionBudget>;
  readonly networkPolicies: Known<NetworkPolicy>;
  readonly clusterNetworkPolicies: Known<ClusterNetworkPolicy>;
  readonly ingresses: Known<Ingress>;
  readonly ingressClasses: Known<IngressClass>;
  readonly definitions: Known<DefinitionFacts>;
  readonly gatewayClasses: Known<GatewayClass>;
  readonly gateways: Known<Gateway>;
  readonly httpRoutes: Known<HTTPRoute>;
  readonly grpcRoutes: Known<GRPCRoute>;
  readonly tlsRoutes: Known<TLSRoute>;
  readonly tcpRoutes: Known<TCPRoute>;
  readonly udpRoutes: Known<UDPRoute>;
  readonly referenceGrants: Known<ReferenceGrant>;
  readonly certificates: Known<CertificateFacts>;
  readonly metrics: Known<MetricSample>;
}

export type AuditKind = keyof AuditObjects;

/** The lists that hold routes. */
export const routeKinds = [
  'httpRoutes',
  'grpcRoutes',
  'tlsRoutes',
  'tcpRoutes',
  'udpRoutes',
] as const satisfies readonly AuditKind[];

export interface AuditFacts {
  /** Manifests say what is wanted, a cluster also what is. */
  readonly source: 'cluster' | 'manifests';
  /** Milliseconds since 1970: certificates and ends of life are held against it. */
  readonly now: number;
  readonly objects: AuditObjects;
}

/** The kinds' names, as a sentence says them. */
export const kindWords: Readonly<Record<AuditKind, string>> = {
  nodes: 'Nodes',
  pods: 'Pods',
  namespaces: 'Namespaces',
  services: 'Services',
  endpointSlices: 'EndpointSlices',
  configMaps: 'ConfigMaps of kube-system',
  daemonSets: 'DaemonSets',
  deployments: 'Deployments',
  disruptionBudgets: 'PodDisruptionBudgets',
  networkPolicies: 'NetworkPolicies',
  clusterNetworkPolicies: 'ClusterNetworkPolicies',
  ingresses: 'Ingresses',
  ingressClasses: 'IngressClasses',
  definitions: 'CustomResourceDefinitions',
  gatewayClasses: 'GatewayClasses',
  gateways: 'Gateways',
  httpRoutes: 'HTTPRoutes',
  grpcRoutes: 'GRPCRoutes',
  tlsRoutes: 'TLSRoutes',
  tcpRoutes: 'TCPRoutes',
  udpRoutes: 'UDPRoutes',
  referenceGrants: 'ReferenceGrants',
  certificates: 'TLS Secrets',
  metrics: 'metrics',
};
