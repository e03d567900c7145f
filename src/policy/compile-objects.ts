import type { Namespace } from '../kube/types/core.ts';
import type { ClusterNetworkPolicy } from '../kube/types/cluster-network-policy.ts';
import type { NetworkPolicy } from '../kube/types/networking.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import type { Service } from '../kube/types/service.ts';
import { compileModel, readNode, readNodeLocalService, readPod } from './compile-model.ts';
import { readClusterPolicy } from './compile-cluster-policy.ts';
import { readPolicy } from './compile-policy.ts';
import type { PolicyModel } from './model.ts';

/** A whole cluster, as its API server lists it. */
export interface PolicyObjects {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly policies: readonly NetworkPolicy[];
  /** Absent where the cluster has no such kind. */
  readonly clusterPolicies?: readonly ClusterNetworkPolicy[];
  readonly nodes: readonly Node[];
  /** Services whose addresses each node answers itself: that of the cluster's DNS. */
  readonly nodeLocalServices: readonly Service[];
}

/** The model of a cluster that is known whole, for those who read and explain. */
export function buildPolicyModel(objects: PolicyObjects): PolicyModel {
  const labels = new Map(objects.namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const labelsOf = (namespace = '') => labels.get(namespace) ?? {};
  return compileModel({
    pods: [
      ...objects.pods.flatMap(pod => readPod(pod, labelsOf(pod.metadata.namespace)) ?? []),
      ...objects.nodeLocalServices.map(service =>
        readNodeLocalService(service, objects.pods, labelsOf(service.metadata.namespace)),
      ),
    ],
    policies: [
      ...objects.policies.map(readPolicy),
      ...(objects.clusterPolicies ?? []).map(readClusterPolicy),
    ],
    nodes: objects.nodes.map(readNode),
  });
}
