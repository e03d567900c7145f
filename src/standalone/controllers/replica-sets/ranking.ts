import type { Pod } from '../../../kube/types/core.ts';
import { isReady, readySince, timeOf } from '../pod-state.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * The pods in the order in which scaling down deletes them, as documented for ReplicaSet: unassigned before assigned,
 * pending before running, not ready before ready, cheap before costly (`pod-deletion-cost`), crowded nodes before empty
 * ones, then whoever became ready, restarted or was created most recently.
 *
 * `neighbours` says how many active pods of the same application run on the pod's node. Times are compared on a
 * logarithmic scale of age (KEP-2185), so that not always the same few among old pods go.
 */
export function rankForDeletion(
  pods: readonly Pod[],
  neighbours: (pod: Pod) => number,
  now: number,
): readonly Pod[] {
  const ranked = pods.map(pod => ({ pod, rank: rankOf(pod, neighbours(pod), now) }));
  ranked.sort((a, b) => compare(a.rank, b.rank) || (a.pod.metadata.name < b.pod.metadata.name ? -1 : 1));
  return ranked.map(entry => entry.pod);
}

/** Smaller goes first, position by position. */
function rankOf(pod: Pod, neighbours: number, now: number): readonly number[] {
  return [
    (pod.spec.nodeName ?? '') === '' ? 0 : 1,
    phaseRank(pod),
    isReady(pod) ? 1 : 0,
    deletionCost(pod),
    -neighbours,
    ageBucket(readySince(pod), now),
    -restarts(pod),
    ageBucket(timeOf(pod.metadata.creationTimestamp), now),
  ];
}

function phaseRank(pod: Pod): number {
  if (pod.status?.phase === 'Running') return 2;
  return pod.status?.phase === 'Unknown' ? 1 : 0;
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST];
  return text !== undefined && /^(0|-?[1-9]\d{0,9})$/.test(text) ? Number(text) : 0;
}

/** An unknown time counts as the youngest. */
function ageBucket(since: number | undefined, now: number): number {
  if (since === undefined) return -1;
  const seconds = (now - since) / 1000;
  return seconds < 1 ? 0 : Math.floor(Math.log2(seconds)) + 1;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(status => status.restartCount));
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
