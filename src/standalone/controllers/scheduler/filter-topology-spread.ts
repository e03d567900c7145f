import { matchesSelector } from '../../../kube/selector.ts';
import type { LabelSelector } from '../../../kube/types/meta.ts';
import type { TopologySpreadConstraint } from '../../../kube/types/core.ts';
import type { Cluster, NodeFacts, PodFacts } from './model.ts';
import { matchesNodeAffinity } from './node-affinity.ts';
import { untolerated } from './tolerations.ts';

/** core/v1 TopologySpreadConstraint with whenUnsatisfiable: DoNotSchedule. */
export function filterTopologySpread(
  pod: PodFacts,
  cluster: Cluster,
): (node: NodeFacts) => readonly string[] {
  const hard = pod.spread.filter(constraint => constraint.whenUnsatisfiable === 'DoNotSchedule');
  if (hard.length === 0) return () => [];
  const domains = hard.map(constraint => countDomains(pod, constraint, hard, cluster.nodes));
  return node => {
    for (const [index, constraint] of hard.entries()) {
      const value = node.labels[constraint.topologyKey];
      const counted = domains[index];
      if (counted === undefined) continue;
      if (value === undefined) {
        return ["node(s) didn't match pod topology spread constraints (missing required label)"];
      }
      const own = selects(constraint, pod, pod) ? 1 : 0;
      const skew = (counted.counts.get(value) ?? 0) + own - counted.minimum;
      if (skew > constraint.maxSkew) return ["node(s) didn't match pod topology spread constraints"];
    }
    return [];
  };
}

export interface Domains {
  /** Matching pods by value of the topology key. */
  readonly counts: ReadonlyMap<string, number>;
  /** The least of them; 0 while there are fewer domains than minDomains. */
  readonly minimum: number;
}

/**
 * Nodes count when they carry the topology keys of all the constraints `together` and the constraint's policies let the
 * pod onto them.
 */
export function countDomains(
  pod: PodFacts,
  constraint: TopologySpreadConstraint,
  together: readonly TopologySpreadConstraint[],
  nodes: readonly NodeFacts[],
): Domains {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    if (!together.every(other => node.labels[other.topologyKey] !== undefined)) continue;
    if (!mayCount(pod, constraint, node)) continue;
    const value = node.labels[constraint.topologyKey];
    if (value === undefined) continue;
    let matching = 0;
    for (const other of node.pods.values()) {
      if (!other.terminating && other.namespace === pod.namespace && selects(constraint, pod, other))
        matching++;
    }
    counts.set(value, (counts.get(value) ?? 0) + matching);
  }
  const enough = counts.size >= (constraint.minDomains ?? 1);
  return { counts, minimum: enough && counts.size > 0 ? Math.min(...counts.values()) : 0 };
}

function mayCount(pod: PodFacts, constraint: TopologySpreadConstraint, node: NodeFacts): boolean {
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesNodeAffinity(pod.pod, node))
    return false;
  if (constraint.nodeTaintsPolicy !== 'Honor') return true;
  return untolerated(node.taints, pod.pod.spec.tolerations, ['NoSchedule', 'NoExecute']) === undefined;
}

/** matchLabelKeys adds the incoming pod's own values to the selector, so that each revision spreads by itself. */
function selects(constraint: TopologySpreadConstraint, pod: PodFacts, other: PodFacts): boolean {
  if (constraint.labelSelector === undefined) return false;
  for (const key of constraint.matchLabelKeys ?? []) {
    const value = pod.labels[key];
    if (value !== undefined && other.labels[key] !== value) return false;
  }
  return matchesSelector(constraint.labelSelector satisfies LabelSelector, other.labels);
}
