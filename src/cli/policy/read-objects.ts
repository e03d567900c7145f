import { existsSync } from 'node:fs';
import { readManifestObjects } from '../../insight/policy/index.ts';
import { createClient, isNotFound } from '../../kube/client.ts';
import { loadKubeconfig } from '../../kube/kubeconfig.ts';
import {
  CLUSTER_NETWORK_POLICIES,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  SERVICES,
} from '../../kube/resources.ts';
import type { PolicyObjects } from '../../policy/index.ts';
import { checkName, clusterFiles } from '../../standalone/cluster.ts';
import { readManifests } from '../apply/read-manifests.ts';
import { noSuchCluster } from '../kubeconfig.ts';
import { requireRoot } from '../require-root.ts';

export interface PolicySource {
  readonly cluster: string;
  /** Of any cluster; absent: that of the cluster of this machine. */
  readonly kubeconfig?: string;
  /** Manifests instead of a cluster. */
  readonly files: readonly string[];
}

const answerMilliseconds = 20_000;

/** Manifests where there are any, else one list of each kind. */
export async function readPolicyObjects({
  cluster,
  files,
  kubeconfig,
}: PolicySource): Promise<PolicyObjects> {
  if (files.length > 0) return readManifestObjects((await readManifests(files)).map(({ object }) => object));
  const client = createClient(loadKubeconfig(kubeconfig ?? kubeconfigOf(cluster)));
  const signal = AbortSignal.timeout(answerMilliseconds);
  try {
    const [pods, namespaces, policies, nodes, services, clusterPolicies] = await Promise.all([
      client.list(PODS, { signal }),
      client.list(NAMESPACES, { signal }),
      client.list(NETWORK_POLICIES, { signal }),
      client.list(NODES, { signal }),
      client.list(SERVICES, { namespace: 'kube-system', signal }),
      // The cluster may not have the kind.
      client.list(CLUSTER_NETWORK_POLICIES, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return { items: [] };
        throw error;
      }),
    ]);
    return {
      pods: pods.items,
      namespaces: namespaces.items,
      policies: policies.items,
      clusterPolicies: clusterPolicies.items,
      nodes: nodes.items,
      nodeLocalServices: services.items.filter(({ metadata }) => metadata.name === 'kube-dns'),
    };
  } finally {
    client.close();
  }
}

function kubeconfigOf(cluster: string): string {
  checkName(cluster);
  requireRoot('policy');
  const file = clusterFiles.kubeconfig(cluster, 'admin');
  if (!existsSync(file)) throw noSuchCluster(cluster);
  return file;
}
