import { readManifestObjects } from '../../insight/policy/index.ts';
import { isNotFound } from '../../kube/client.ts';
import {
  CLUSTER_NETWORK_POLICIES,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  SERVICES,
} from '../../kube/resources.ts';
import type { PolicyObjects } from '../../policy/index.ts';
import { readManifests } from '../apply/read-manifests.ts';
import { clientOf } from '../object-source.ts';
import type { ObjectSource } from '../object-source.ts';

const answerMilliseconds = 20_000;

/** Manifests where there are any, else one list of each kind. */
export async function readPolicyObjects(source: ObjectSource): Promise<PolicyObjects> {
  if (source.files.length > 0)
    return readManifestObjects((await readManifests(source.files)).map(({ object }) => object));
  const client = clientOf(source, 'policy');
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
