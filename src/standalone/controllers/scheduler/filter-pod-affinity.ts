import type { Cluster, NodeFacts, PodFacts } from './model.ts';
import { termSelects } from './pod-affinity-term.ts';

/** Required affinity and anti-affinity between pods, both ways: a running pod's anti-affinity keeps the new one away. */
export function filterPodAffinity(pod: PodFacts, cluster: Cluster): (node: NodeFacts) => readonly string[] {
  const repelled = domainsThatRepel(pod, cluster);
  const wanted = pod.affinity.map(term => domainsWith(pod, term, cluster));
  const shunned = pod.antiAffinity.map(term => domainsWith(pod, term, cluster));
  // The first of a group of pods that want each other's company has to start somewhere.
  const first =
    wanted.every(domains => domains.size === 0) &&
    pod.affinity.every(term => termSelects(term, pod.namespace, pod, cluster, pod.labels));
  return node => {
    for (const [index, term] of pod.affinity.entries()) {
      const value = node.labels[term.topologyKey];
      if (value === undefined || (!first && wanted[index]?.has(value) !== true)) {
        return ["node(s) didn't match pod affinity rules"];
      }
    }
    for (const [index, term] of pod.antiAffinity.entries()) {
      const value = node.labels[term.topologyKey];
      if (value !== undefined && shunned[index]?.has(value) === true) {
        return ["node(s) didn't match pod anti-affinity rules"];
      }
    }
    for (const [topologyKey, values] of repelled) {
      const value = node.labels[topologyKey];
      if (value !== undefined && values.has(value)) {
        return ["node(s) didn't satisfy existing pods anti-affinity rules"];
      }
    }
    return [];
  };
}

/** The values of the term's topology key on nodes that run a pod it selects. */
function domainsWith(
  pod: PodFacts,
  term: PodFacts['affinity'][number],
  cluster: Cluster,
): ReadonlySet<string> {
  const values = new Set<string>();
  for (const node of cluster.nodes) {
    const value = node.labels[term.topologyKey];
    if (value === undefined || values.has(value)) continue;
    for (const other of node.pods.values()) {
      if (!termSelects(term, pod.namespace, other, cluster, pod.labels)) continue;
      values.add(value);
      break;
    }
  }
  return values;
}

/** Topology key → values, where a pod with anti-affinity against the new one runs. */
function domainsThatRepel(pod: PodFacts, cluster: Cluster): ReadonlyMap<string, ReadonlySet<string>> {
  const repelled = new Map<string, Set<string>>();
  for (const node of cluster.nodes) {
    if (node.repelling === 0) continue;
    for (const other of node.pods.values()) {
      for (const term of other.antiAffinity) {
        const value = node.labels[term.topologyKey];
        if (value === undefined || !termSelects(term, other.namespace, pod, cluster, other.labels)) continue;
        const values = repelled.get(term.topologyKey) ?? new Set<string>();
        repelled.set(term.topologyKey, values.add(value));
      }
    }
  }
  return repelled;
}
