import type { PodTemplateSpec } from '../../kube/types/apps.ts';
import type { ClusterNetworkPolicy } from '../../kube/types/cluster-network-policy.ts';
import type { Namespace } from '../../kube/types/core.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { NetworkPolicy } from '../../kube/types/networking.ts';
import type { Node } from '../../kube/types/node.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { PolicyObjects } from '../../policy/index.ts';

/** Where a kind keeps the template of its pods. */
const templates: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/**
 * What manifests would be in a cluster: each workload is one pod of its name, on a node of its own and with an address
 * that nobody else has; each namespace has the label that the API server gives it. What was read from a cluster is what it
 * was there.
 */
export function readManifestObjects(objects: readonly KubeObject[]): PolicyObjects {
  // An object of a kind has its shape, or any API server refuses it.
  const ofKind = (kind: string): readonly unknown[] => objects.filter(object => object.kind === kind);
  const pods = objects.flatMap((object, index) => {
    const pod = podOf(object);
    return pod === undefined ? [] : [placed(pod, index)];
  });
  const written = new Map(
    (ofKind('Namespace') as readonly Namespace[]).map(({ metadata }) => [metadata.name, metadata]),
  );
  const names = new Set([...written.keys(), ...pods.map(pod => pod.metadata.namespace ?? 'default')]);
  return {
    pods,
    namespaces: [...names].map(name => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { ...written.get(name)?.labels, 'kubernetes.io/metadata.name': name } },
    })),
    policies: (ofKind('NetworkPolicy') as readonly NetworkPolicy[]).map(inNamespace),
    clusterPolicies: ofKind('ClusterNetworkPolicy') as readonly ClusterNetworkPolicy[],
    nodes: ofKind('Node') as readonly Node[],
    nodeLocalServices: [],
  };
}

const inNamespace = <T extends KubeObject>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, namespace: object.metadata.namespace ?? 'default' },
});

function podOf(object: KubeObject): Pod | undefined {
  if (object.kind === 'Pod') return inNamespace(object as Pod);
  const path = templates[object.kind];
  if (path === undefined) return undefined;
  const template = path.reduce<unknown>(
    (part, key) => (part as Readonly<Record<string, unknown>> | undefined)?.[key],
    object,
  ) as PodTemplateSpec | undefined;
  if (template?.spec === undefined) return undefined;
  const { name, namespace = 'default' } = object.metadata;
  const labels = template.metadata?.labels ?? {};
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec: template.spec };
}

/** Addresses for benchmarks and documentation (RFC 2544, RFC 3849); a pod that was read from a cluster keeps its own. */
function placed(pod: Pod, index: number): Pod {
  const { podIP, podIPs = [], phase } = pod.status ?? {};
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  if (isOver || podIP !== undefined || podIPs.length > 0) return pod;
  const made = [
    { ip: `198.18.${(index >> 8) & 255}.${index & 255}` },
    { ip: `2001:db8:18::${(index + 1).toString(16)}` },
  ];
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: `${pod.metadata.namespace}/${pod.metadata.name}` },
    spec: { ...pod.spec, nodeName: `node of ${pod.metadata.name}` },
    status: { podIPs: made },
  };
}
