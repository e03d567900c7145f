import { countDomains } from './filter-topology-spread.ts';
import type { Cluster, NodeFacts, PodFacts } from './model.ts';
import { matchesTerm } from './node-affinity.ts';
import { termSelects } from './pod-affinity-term.ts';
import { tolerates } from './tolerations.ts';

/** How welcome the pod is on each candidate, larger is better. */
type Measure = (pod: PodFacts, cluster: Cluster, candidates: readonly NodeFacts[]) => readonly number[];

export interface Score {
  readonly weight: number;
  /** 0..100 for each candidate. */
  readonly of: Measure;
}

const ZONE = 'topology.kubernetes.io/zone';

/** What the user prefers outweighs keeping replicas apart, and that outweighs room. */
export const scores: readonly Score[] = [
  { weight: 3, of: relative(avoidPreferNoSchedule) },
  { weight: 3, of: relative(preferredNodeAffinity) },
  { weight: 3, of: relative(preferredPodAffinity) },
  { weight: 3, of: relative(softTopologySpread) },
  { weight: 2, of: relative(spreadByOwner) },
  { weight: 1, of: leastAllocated },
];

/**
 * The best of the candidates; undefined when there is none. Equals go to the node with fewer pods, then by name, so
 * that equal states give equal decisions.
 */
export function best(
  pod: PodFacts,
  cluster: Cluster,
  candidates: readonly NodeFacts[],
): NodeFacts | undefined {
  const totals = candidates.map(() => 0);
  if (candidates.length > 1) {
    for (const score of scores) {
      const values = score.of(pod, cluster, candidates);
      for (const [index, value] of values.entries())
        totals[index] = (totals[index] ?? 0) + score.weight * value;
    }
  }
  let winner: { readonly node: NodeFacts; readonly total: number } | undefined;
  for (const [index, node] of candidates.entries()) {
    const total = totals[index] ?? 0;
    if (winner === undefined || isBetter(node, total, winner.node, winner.total)) winner = { node, total };
  }
  return winner?.node;
}

function isBetter(a: NodeFacts, aTotal: number, b: NodeFacts, bTotal: number): boolean {
  if (Math.abs(aTotal - bTotal) > 1e-6) return aTotal > bTotal;
  if (a.pods.size !== b.pods.size) return a.pods.size < b.pods.size;
  return a.name < b.name;
}

/** The worst candidate gets 0, the best 100. */
function relative(measure: Measure): Measure {
  return (pod, cluster, candidates) => {
    const values = measure(pod, cluster, candidates);
    const low = Math.min(...values);
    const range = Math.max(...values) - low;
    return values.map(value => (range === 0 ? 0 : ((value - low) / range) * 100));
  };
}

/** Fewer pods of the same controller on the node, then in its zone. Pods without a controller go where fewer pods are. */
function spreadByOwner(pod: PodFacts, cluster: Cluster, candidates: readonly NodeFacts[]): readonly number[] {
  if (pod.owner === undefined) return candidates.map(node => -node.pods.size);
  const byZone = new Map<string, number>();
  for (const node of cluster.nodes) {
    const zone = node.labels[ZONE];
    if (zone !== undefined) byZone.set(zone, (byZone.get(zone) ?? 0) + siblings(pod, node));
  }
  return candidates.map(node => {
    const zone = node.labels[ZONE];
    return -siblings(pod, node) - (zone === undefined ? 0 : (byZone.get(zone) ?? 0));
  });
}

function siblings(pod: PodFacts, node: NodeFacts): number {
  let count = 0;
  for (const other of node.pods.values()) {
    if (!other.terminating && other.namespace === pod.namespace && other.owner === pod.owner) count++;
  }
  return count;
}

function avoidPreferNoSchedule(
  pod: PodFacts,
  _cluster: Cluster,
  candidates: readonly NodeFacts[],
): readonly number[] {
  const tolerations = pod.pod.spec.tolerations ?? [];
  return candidates.map(
    node =>
      -node.taints.filter(
        taint => taint.effect === 'PreferNoSchedule' && !tolerations.some(each => tolerates(each, taint)),
      ).length,
  );
}

function preferredNodeAffinity(
  pod: PodFacts,
  _cluster: Cluster,
  candidates: readonly NodeFacts[],
): readonly number[] {
  const terms = pod.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return candidates.map(node =>
    terms.reduce((sum, term) => sum + (matchesTerm(term.preference, node) ? term.weight : 0), 0),
  );
}

/** A term's weight for every pod that it selects in the node's domain. */
function preferredPodAffinity(
  pod: PodFacts,
  cluster: Cluster,
  candidates: readonly NodeFacts[],
): readonly number[] {
  const { affinity } = pod.pod.spec;
  const terms = [
    ...(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(term => ({
      ...term,
      weight: -term.weight,
    })),
  ];
  const totals = candidates.map(() => 0);
  for (const { podAffinityTerm: term, weight } of terms) {
    const counts = new Map<string, number>();
    for (const node of cluster.nodes) {
      const value = node.labels[term.topologyKey];
      if (value === undefined) continue;
      for (const other of node.pods.values()) {
        if (!termSelects(term, pod.namespace, other, cluster, pod.labels)) continue;
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
    for (const [index, node] of candidates.entries()) {
      const value = node.labels[term.topologyKey];
      if (value !== undefined) totals[index] = (totals[index] ?? 0) + weight * (counts.get(value) ?? 0);
    }
  }
  return totals;
}

/** topologySpreadConstraints with ScheduleAnyway: the emptier the domain, the better; no label is worst. */
function softTopologySpread(
  pod: PodFacts,
  cluster: Cluster,
  candidates: readonly NodeFacts[],
): readonly number[] {
  const soft = pod.spread.filter(constraint => constraint.whenUnsatisfiable === 'ScheduleAnyway');
  const totals = candidates.map(() => 0);
  for (const constraint of soft) {
    const { counts } = countDomains(pod, constraint, [constraint], cluster.nodes);
    const worst = Math.max(0, ...counts.values()) + 1;
    for (const [index, node] of candidates.entries()) {
      const value = node.labels[constraint.topologyKey];
      const matching = value === undefined ? worst : (counts.get(value) ?? 0);
      totals[index] = (totals[index] ?? 0) - matching / constraint.maxSkew;
    }
  }
  return totals;
}

const ASSUMED_CPU = 100_000_000n;
const ASSUMED_MEMORY = 200n * 1024n * 1024n * 1_000_000_000n;

/** The share of CPU and memory that stays free. Pods that ask for nothing count as 0.1 core and 200 MiB. */
function leastAllocated(
  pod: PodFacts,
  _cluster: Cluster,
  candidates: readonly NodeFacts[],
): readonly number[] {
  const free = (node: NodeFacts, name: string, assumed: bigint) => {
    const allocatable = node.allocatable.get(name) ?? 0n;
    if (allocatable <= 0n) return 0;
    const used = (node.requested.get(name) ?? 0n) + (pod.requests.get(name) ?? assumed);
    return Math.max(0, 1 - Number(used) / Number(allocatable));
  };
  return candidates.map(node => 50 * (free(node, 'cpu', ASSUMED_CPU) + free(node, 'memory', ASSUMED_MEMORY)));
}
