import { filterPodAffinity } from './filter-pod-affinity.ts';
import { filterTopologySpread } from './filter-topology-spread.ts';
import type { Cluster, HostPort, NodeFacts, PodFacts } from './model.ts';
import { matchesNodeAffinity } from './node-affinity.ts';
import { untolerated } from './tolerations.ts';

/**
 * Asked once for a pod (so that what holds for the whole cluster is counted once), then for every node: why the pod
 * cannot run there, in the words of kube-scheduler; nothing = it can.
 */
export type NodeFilter = (pod: PodFacts, cluster: Cluster) => (node: NodeFacts) => readonly string[];

/** In this order: the first filter that refuses a node gives the reasons, as in kube-scheduler's defaults. */
export const filters: readonly NodeFilter[] = [
  filterUnschedulable,
  filterTaints,
  filterNodeAffinity,
  filterHostPorts,
  filterResources,
  filterTopologySpread,
  filterPodAffinity,
];

const FITS: readonly string[] = [];
/** One piece, in the unit of `Resources`. */
const ONE = 1_000_000_000n;

function filterUnschedulable(pod: PodFacts): (node: NodeFacts) => readonly string[] {
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;
  const tolerated = untolerated([cordon], pod.pod.spec.tolerations, ['NoSchedule']) === undefined;
  return node => (node.unschedulable && !tolerated ? ['node(s) were unschedulable'] : FITS);
}

function filterTaints(pod: PodFacts): (node: NodeFacts) => readonly string[] {
  return node => {
    const taint = untolerated(node.taints, pod.pod.spec.tolerations, ['NoSchedule', 'NoExecute']);
    return taint === undefined
      ? FITS
      : [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  };
}

function filterNodeAffinity(pod: PodFacts): (node: NodeFacts) => readonly string[] {
  return node =>
    matchesNodeAffinity(pod.pod, node) ? FITS : ["node(s) didn't match Pod's node affinity/selector"];
}

function filterHostPorts(pod: PodFacts): (node: NodeFacts) => readonly string[] {
  if (pod.hostPorts.length === 0) return () => FITS;
  return node => {
    for (const other of node.pods.values()) {
      for (const taken of other.hostPorts) {
        if (pod.hostPorts.some(wanted => clash(wanted, taken))) {
          return ["node(s) didn't have free ports for the requested pod ports"];
        }
      }
    }
    return FITS;
  };
}

function clash(a: HostPort, b: HostPort): boolean {
  const everywhere = (address: string) => address === '0.0.0.0' || address === '::';
  return (
    a.port === b.port &&
    a.protocol === b.protocol &&
    (a.address === b.address || everywhere(a.address) || everywhere(b.address))
  );
}

/** `pods` is a resource of the node too: how many it may hold. */
function filterResources(pod: PodFacts): (node: NodeFacts) => readonly string[] {
  return node => {
    const reasons: string[] = [];
    const capacity = node.allocatable.get('pods');
    if (capacity !== undefined && BigInt(node.pods.size + 1) * ONE > capacity) reasons.push('Too many pods');
    for (const [name, amount] of pod.requests) {
      const free = (node.allocatable.get(name) ?? 0n) - (node.requested.get(name) ?? 0n);
      if (amount > 0n && amount > free) reasons.push(`Insufficient ${name}`);
    }
    return reasons;
  };
}
