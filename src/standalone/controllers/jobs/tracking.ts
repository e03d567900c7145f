import type { Job, JobStatus } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { isTerminated, isTerminating } from '../pod-state.ts';
import { judgeFailure } from './failure-policy.ts';
import { attemptOf, endsIndex, lastFailures, limitPerIndex } from './index-failures.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { TRACKING_FINALIZER, indexOf, isIndexed } from './pod.ts';

/**
 * Which pods have ended, each counted exactly once, also when it is deleted or this process dies: an ended pod is first
 * written into status.uncountedTerminatedPods, then its finalizer is taken away, and only then is it counted (KEP-2307).
 */
export interface Tracking {
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** Pods whose end is in the status as it is now: their finalizers may go. */
  readonly release: readonly Pod[];
  /** A failed pod for which the Job has to fail. */
  readonly fatal: string | undefined;
  /** Given up, where failures are counted by index. */
  readonly failedIndexes: ReadonlySet<number>;
  /** The pods of indexes that failed last and are not replaced yet: not counted before, or their count would be lost. */
  readonly kept: ReadonlyMap<number, Pod>;
}

/** `isOver`: no failed pod is replaced any more, so that all are counted. */
export function track(job: Job, pods: readonly Pod[], isOver = false): Tracking {
  const { status } = job;
  const before = {
    succeeded: status?.uncountedTerminatedPods?.succeeded ?? [],
    failed: status?.uncountedTerminatedPods?.failed ?? [],
  };
  const held = new Map(pods.filter(isHeld).map(pod => [pod.metadata.uid ?? '', pod]));
  const counted = (uids: readonly string[]) => uids.filter(uid => !held.has(uid));
  const waiting = (uids: readonly string[]) => uids.filter(uid => held.has(uid));
  const known = new Set([...before.succeeded, ...before.failed]);
  const fresh = [...held.values()].filter(pod => !known.has(pod.metadata.uid ?? ''));
  const completions = job.spec.completions ?? 0;
  const completedIndexes = new Set(parseIndexes(status?.completedIndexes, completions));
  const succeeded: string[] = [...waiting(before.succeeded)];
  const failed: string[] = [...waiting(before.failed)];
  const ignored: Pod[] = [];
  const failedIndexes = new Set(parseIndexes(status?.failedIndexes, completions));
  const unreplaced: Pod[] = [];
  let fatal: string | undefined;
  for (const pod of fresh) {
    const uid = pod.metadata.uid ?? '';
    if (pod.status?.phase === 'Succeeded') {
      const index = indexOf(pod);
      if (!isIndexed(job)) succeeded.push(uid);
      else if (index !== undefined && index < completions && !completedIndexes.has(index)) {
        completedIndexes.add(index);
        succeeded.push(uid);
      } else ignored.push(pod);
    } else if (hasFailed(job, pod)) {
      const verdict = judgeFailure(job, pod);
      if (verdict.action === 'FailJob') fatal ??= verdict.message;
      const index = indexOf(pod);
      if (index !== undefined && endsIndex(job, pod)) failedIndexes.add(index);
      if (limitPerIndex(job) !== undefined && !isOver && !isTerminating(pod)) unreplaced.push(pod);
      else if (verdict.action === 'Ignore') ignored.push(pod);
      else failed.push(uid);
    }
  }
  const kept = new Map<number, Pod>();
  const last = lastFailures(unreplaced);
  for (const pod of unreplaced) {
    const index = indexOf(pod) ?? -1;
    const isFinal = completedIndexes.has(index) || failedIndexes.has(index);
    const hasSuccessor = pods.some(other => indexOf(other) === index && attemptOf(other) > attemptOf(pod));
    if (!isFinal && !hasSuccessor && last.get(index) === pod) kept.set(index, pod);
    else if (judgeFailure(job, pod).action === 'Ignore') ignored.push(pod);
    else failed.push(pod.metadata.uid ?? '');
  }
  return {
    succeeded: isIndexed(job)
      ? completedIndexes.size
      : (status?.succeeded ?? 0) + counted(before.succeeded).length,
    failed: (status?.failed ?? 0) + counted(before.failed).length,
    completedIndexes,
    uncounted: { succeeded, failed },
    release: [...[...known].flatMap(uid => held.get(uid) ?? []), ...ignored],
    fatal,
    failedIndexes,
    kept,
  };
}

/** Pods that ended and that nobody has let go yet. */
function isHeld(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING_FINALIZER) === true;
}

/** A pod that is deleted counts as failed at once, or once it has ended where the policy waits for that. */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (!isTerminating(pod) || isTerminated(pod)) return false;
  return job.spec.podReplacementPolicy === 'Failed' ? pod.status?.phase === 'Pending' : true;
}

export function trackingStatus(job: Job, tracking: Tracking): Partial<JobStatus> {
  const { succeeded, failed } = tracking.uncounted;
  return {
    ...(tracking.succeeded === 0 ? {} : { succeeded: tracking.succeeded }),
    ...(tracking.failed === 0 ? {} : { failed: tracking.failed }),
    ...(isIndexed(job) ? { completedIndexes: formatIndexes(tracking.completedIndexes) } : {}),
    ...(limitPerIndex(job) === undefined ? {} : { failedIndexes: formatIndexes(tracking.failedIndexes) }),
    uncountedTerminatedPods: {
      ...(succeeded.length === 0 ? {} : { succeeded }),
      ...(failed.length === 0 ? {} : { failed }),
    },
  };
}
