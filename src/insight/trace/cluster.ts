import type { Address, Prefix } from '../../base/ip.ts';
import { buildClusterNames } from '../../dns/index.ts';
import type { ClusterNames } from '../../dns/index.ts';
import type { ClusterNetworkPolicy } from '../../kube/types/cluster-network-policy.ts';
import type { Namespace } from '../../kube/types/core.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { BackendTLSPolicy } from '../../kube/types/gateway-policies.ts';
import type { GRPCRoute, HTTPRoute, TLSRoute } from '../../kube/types/gateway-routes.ts';
import type { Gateway, GatewayClass, ListenerSet, ReferenceGrant } from '../../kube/types/gateway.ts';
import type { Ingress, IngressClass, NetworkPolicy } from '../../kube/types/networking.ts';
import type { Node } from '../../kube/types/node.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { readNode } from '../../pods/index.ts';
import type { NodeNetwork } from '../../pods/index.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import type { PolicyModel } from '../../policy/index.ts';
import { buildServiceModel } from '../../services/index.ts';
import type { ServiceModel } from '../../services/index.ts';
import { canonical } from './addresses.ts';
import { readGateways } from './read-gateways.ts';
import type { TracedGateway } from './read-gateways.ts';

/** A whole cluster, as its API server lists it, and the few facts that the API does not tell. */
export interface TraceObjects {
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly networkPolicies: readonly NetworkPolicy[];
  /** Absent where the cluster has no such kind. */
  readonly clusterNetworkPolicies?: readonly ClusterNetworkPolicy[];
  readonly gatewayClasses: readonly GatewayClass[];
  readonly gateways: readonly Gateway[];
  readonly listenerSets: readonly ListenerSet[];
  readonly httpRoutes: readonly HTTPRoute[];
  readonly grpcRoutes: readonly GRPCRoute[];
  readonly tlsRoutes: readonly TLSRoute[];
  readonly backendTlsPolicies: readonly BackendTLSPolicy[];
  readonly ingressClasses: readonly IngressClass[];
  readonly ingresses: readonly Ingress[];
  readonly referenceGrants: readonly ReferenceGrant[];
  readonly facts: ClusterFacts;
}

export interface ClusterFacts {
  readonly clusterDomain: string;
  /** The prefixes of the links between nodes; empty where nobody knows. */
  readonly links: readonly { readonly name: string; readonly prefixes: readonly Prefix[] }[];
  /** Where cluster addresses come from; empty where nobody knows. */
  readonly servicePrefixes: readonly Prefix[];
  /** Addresses of a client outside the cluster. */
  readonly world: readonly Address[];
}

/** The models of all blocks, made once for a trace. */
export interface TracedCluster {
  readonly objects: TraceObjects;
  readonly names: ClusterNames;
  readonly policy: PolicyModel;
  readonly services: ServiceModel;
  /** By `namespace/name`: those of our classes. */
  readonly gateways: ReadonlyMap<string, TracedGateway>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, Pod>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeNetwork>;
  /** Node names by address. */
  readonly nodesByAddress: ReadonlyMap<string, string>;
  /** Where the cluster's DNS answers, the primary family first. */
  readonly dnsAddresses: readonly string[];
  readonly problems: readonly string[];
}

/** The Service whose addresses pods have in their resolv.conf. */
const dnsService = { namespace: 'kube-system', name: 'kube-dns' } as const;

/** Builds all models; throws for an object that one of the blocks cannot read. */
export function readCluster(objects: TraceObjects, problems: readonly string[]): TracedCluster {
  const dns = objects.services.filter(
    ({ metadata }) => metadata.namespace === dnsService.namespace && metadata.name === dnsService.name,
  );
  const policy = buildPolicyModel({
    pods: objects.pods,
    namespaces: objects.namespaces,
    policies: objects.networkPolicies,
    clusterPolicies: objects.clusterNetworkPolicies ?? [],
    nodes: objects.nodes,
    nodeLocalServices: dns,
  });
  const nodes = new Map(objects.nodes.map(node => [node.metadata.name, readNode(node).network]));
  // Node ports are at the first address of each family.
  const nodePortAddresses = [...nodes.values()].flatMap(({ addresses }) =>
    ([4, 6] as const).flatMap(family => addresses.find(address => address.family === family) ?? []),
  );
  return {
    objects,
    names: buildClusterNames({ clusterDomain: objects.facts.clusterDomain, ...objects }),
    policy,
    services: buildServiceModel(
      objects.services,
      objects.endpointSlices,
      nodePortAddresses,
      objects.facts.servicePrefixes,
    ),
    gateways: readGateways(objects),
    pods: new Map(objects.pods.map(pod => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod])),
    nodes,
    nodesByAddress: policy.nodesByAddress,
    dnsAddresses: dns.flatMap(({ spec }) => spec.clusterIPs ?? []).flatMap(canonical),
    problems,
  };
}
