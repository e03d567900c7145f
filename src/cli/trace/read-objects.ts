import { isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  BACKEND_TLS_POLICIES,
  CLUSTER_NETWORK_POLICIES,
  ENDPOINT_SLICES,
  GATEWAYS,
  GATEWAY_CLASSES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  INGRESSES,
  INGRESS_CLASSES,
  LISTENER_SETS,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  REFERENCE_GRANTS,
  SERVICES,
  TLS_ROUTES,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { ClusterFacts, TraceObjects } from '../../insight/trace/index.ts';

const answerMilliseconds = 20_000;

/** One list of each kind. Kinds that the API server does not serve are empty. */
export async function readObjects(client: KubeClient, facts: ClusterFacts): Promise<TraceObjects> {
  const signal = AbortSignal.timeout(answerMilliseconds);
  const all = async <T extends KubeObject>(resource: Resource<T>): Promise<readonly T[]> =>
    (await client.list(resource, { signal })).items;
  const optional = async <T extends KubeObject>(resource: Resource<T>): Promise<readonly T[]> => {
    try {
      return await all(resource);
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  };
  const [pods, nodes, namespaces, services, endpointSlices, networkPolicies] = await Promise.all([
    all(PODS),
    all(NODES),
    all(NAMESPACES),
    all(SERVICES),
    all(ENDPOINT_SLICES),
    all(NETWORK_POLICIES),
  ]);
  const [clusterNetworkPolicies, gatewayClasses, gateways, httpRoutes, referenceGrants] = await Promise.all([
    optional(CLUSTER_NETWORK_POLICIES),
    optional(GATEWAY_CLASSES),
    optional(GATEWAYS),
    optional(HTTP_ROUTES),
    optional(REFERENCE_GRANTS),
  ]);
  const [listenerSets, grpcRoutes, tlsRoutes, backendTlsPolicies] = await Promise.all([
    optional(LISTENER_SETS),
    optional(GRPC_ROUTES),
    optional(TLS_ROUTES),
    optional(BACKEND_TLS_POLICIES),
  ]);
  const [ingressClasses, ingresses] = await Promise.all([optional(INGRESS_CLASSES), optional(INGRESSES)]);
  return {
    pods,
    nodes,
    namespaces,
    services,
    endpointSlices,
    networkPolicies,
    clusterNetworkPolicies,
    gatewayClasses,
    gateways,
    listenerSets,
    httpRoutes,
    grpcRoutes,
    tlsRoutes,
    backendTlsPolicies,
    ingressClasses,
    ingresses,
    referenceGrants,
    facts,
  };
}
