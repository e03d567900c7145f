import type { Pod } from '../../kube/types/core.ts';

/** Succeeded or Failed: its processes have ended for good. */
export function isTerminated(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Counts as a replica: neither ended nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isTerminated(pod) && !isTerminating(pod);
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** Milliseconds since the epoch at which the pod became ready; undefined while it is not. */
export function readySince(pod: Pod): number | undefined {
  const condition = readyCondition(pod);
  if (condition?.status !== 'True') return undefined;
  return timeOf(condition.lastTransitionTime) ?? 0;
}

/**
 * Milliseconds until the pod counts as available (ready for `minReadySeconds`): 0 = it does now, undefined = it is not
 * ready, so that only a change of the pod can bring it nearer.
 */
export function millisecondsUntilAvailable(
  pod: Pod,
  minReadySeconds: number,
  now: number,
): number | undefined {
  const since = readySince(pod);
  if (since === undefined) return undefined;
  if (minReadySeconds <= 0) return 0;
  return Math.max(0, since + minReadySeconds * 1000 - now);
}

/** When time alone makes another of these pods available: milliseconds from now; undefined = never. */
export function untilNextAvailable(
  pods: readonly Pod[],
  minReadySeconds: number,
  now: number,
): number | undefined {
  const waits = pods
    .map(pod => millisecondsUntilAvailable(pod, minReadySeconds, now) ?? 0)
    .filter(wait => wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}

/** Milliseconds since the epoch of an RFC 3339 time; undefined when absent or malformed. */
export function timeOf(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function readyCondition(pod: Pod) {
  return pod.status?.conditions?.find(condition => condition.type === 'Ready');
}
