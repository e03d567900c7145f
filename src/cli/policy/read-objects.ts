import { objectNameOf } from '../../base/provenance.ts';
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
import type { PolicyModel, PolicyObjects } from '../../policy/index.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { readManifests } from '../apply/read-manifests.ts';
import { clientOf } from '../object-source.ts';
import type { ObjectSource } from '../object-source.ts';

const answerMilliseconds = 20_000;

/** As an API server would keep them; `warn` gets what it would have said. */
export async function readCanonical(
  files: readonly string[],
  warn: (sentence: string) => void,
): Promise<readonly KubeObject[]> {
  const manifests = await readManifests(files);
  const { canonicalManifests } = await import('./canonical-manifests.ts');
  const { objects, warnings } = canonicalManifests(manifests);
  for (const warning of warnings) warn(warning);
  return objects;
}

/** Manifests where there are any, else one list of each kind. `warn` gets what an API server would say to manifests. */
export async function readPolicyObjects(
  source: ObjectSource,
  warn: (sentence: string) => void = warnPeople,
): Promise<PolicyObjects> {
  if (source.files.length > 0) return readManifestObjects(await readCanonical(source.files, warn));
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

const warnPeople = (sentence: string): void => void process.stderr.write(`Warning: ${sentence}\n`);

/** What is wrong with policies, for people: they isolate all the same. */
export function warnOfProblems(model: PolicyModel, warn: (sentence: string) => void = warnPeople): void {
  for (const { provenance, sentence } of model.problems)
    warn(`${objectNameOf(provenance)} ${provenance.field}: ${sentence}`);
}
