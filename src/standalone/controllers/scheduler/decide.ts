import { filters } from './filters.ts';
import type { Cluster, Decision, NodeFacts, PodFacts } from './model.ts';
import { best } from './scores.ts';

/** Where the pod runs, or why nowhere. Equal arguments give equal decisions. */
export function schedule(pod: PodFacts, cluster: Cluster): Decision {
  const prepared = filters.map(filter => filter(pod, cluster));
  const candidates: NodeFacts[] = [];
  const refusals = new Map<string, number>();
  for (const node of cluster.nodes) {
    const reasons = refusal(prepared, node);
    if (reasons.length === 0) candidates.push(node);
    for (const reason of reasons) refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  }
  const chosen = best(pod, cluster, candidates);
  if (chosen !== undefined) return { kind: 'bind', node: chosen.name };
  return { kind: 'unschedulable', message: explain(cluster.nodes.length, refusals) };
}

function refusal(
  prepared: readonly ((node: NodeFacts) => readonly string[])[],
  node: NodeFacts,
): readonly string[] {
  for (const filter of prepared) {
    const reasons = filter(node);
    if (reasons.length > 0) return reasons;
  }
  return [];
}

/** kube-scheduler's sentence, which people and tools search for: `0/3 nodes are available: 3 Insufficient cpu.` */
function explain(nodes: number, refusals: ReadonlyMap<string, number>): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const counted = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${counted.join(', ')}.`;
}
