import type { Job, JobCondition, JobStatus } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { conditionOf, withCondition } from '../conditions.ts';
import { isActive, isReady, isTerminated, isTerminating, timeOf } from '../pod-state.ts';
import {
  attemptOf,
  failureAnnotations,
  failuresWith,
  lastFailures,
  limitPerIndex,
} from './index-failures.ts';
import { indexOf, isIndexed } from './pod.ts';
import { verdictOf, type Finished, type Verdict } from './verdict.ts';
import type { JobView } from './view.ts';
import { hasFailed, track, trackingStatus, type Tracking } from './tracking.ts';

export interface JobPlan {
  /** The index of each pod to create; undefined in a Job that counts only. */
  readonly create: readonly (number | undefined)[];
  /** To be deleted without being counted. */
  readonly drop: readonly Pod[];
  /** To be deleted, and counted as failed. */
  readonly fail: readonly Pod[];
  /** Counted: their finalizers may go. */
  readonly release: readonly Pod[];
  readonly status: JobStatus;
  readonly event: JobEvent | undefined;
  /** The Job itself has outlived its ttlSecondsAfterFinished. */
  readonly expired: boolean;
  /** Milliseconds until time alone may change the plan. */
  readonly again: number | undefined;
}

export interface JobEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
}

/** A pod that failed is replaced after 10 s, 20 s, 40 s … 10 min, counted from its end. */
const FIRST_PAUSE = 10_000;
const LONGEST_PAUSE = 600_000;
/** More than this is never created in one pass. */
const BURST = 500;

/** One step of a Job. */
export function plan(view: JobView): JobPlan {
  const { job, pods } = view;
  let tracking = track(job, pods);
  const active = pods.filter(pod => isActive(pod) && !view.deleted.has(pod.metadata.uid ?? ''));
  const base = {
    create: [],
    drop: [],
    fail: [],
    release: tracking.release,
    event: undefined,
    expired: false,
  };
  if (job.metadata.deletionTimestamp !== undefined)
    return { ...base, status: statusOf(view, tracking, active, {}), again: undefined };
  const ended = endOf(job);
  if (ended !== undefined) return afterEnd(view, tracking, active, ended);
  const verdict = verdictOf(view, tracking);
  if (verdict !== undefined) {
    tracking = track(job, pods, true);
    return ending(view, tracking, active, verdict);
  }
  if (job.spec.suspend === true) return suspended(view, tracking, active);
  return running(view, tracking, active);
}

function endOf(job: Job): Finished | undefined {
  return (['Complete', 'Failed'] as const).find(
    type => conditionOf(job.status?.conditions, type)?.status === 'True',
  );
}

/** The condition of the end comes when nothing of the Job runs or is uncounted any more. */
function ending(view: JobView, tracking: Tracking, active: readonly Pod[], verdict: Verdict): JobPlan {
  const { job, pods, now } = view;
  const isSettled =
    pods.every(pod => isTerminated(pod) || verdict.type === 'Complete') &&
    active.length === 0 &&
    tracking.uncounted.failed.length + tracking.uncounted.succeeded.length === 0;
  const announced = verdict.type === 'Failed' ? 'FailureTarget' : 'SuccessCriteriaMet';
  const time = timestampOf(now);
  let conditions = withCondition(job.status?.conditions, condition(announced, verdict, time));
  if (isSettled) conditions = withCondition(conditions, condition(verdict.type, verdict, time));
  const end = verdict.type === 'Complete' ? { completionTime: time } : {};
  const event: JobEvent =
    verdict.type === 'Complete'
      ? { type: 'Normal', reason: 'Completed', note: 'Job completed' }
      : { type: 'Warning', reason: verdict.reason, note: verdict.message };
  return {
    create: [],
    drop: verdict.type === 'Complete' ? active : [],
    fail: verdict.type === 'Failed' ? active : [],
    release: tracking.release,
    status: statusOf(view, tracking, active, { conditions, ...(isSettled ? end : {}) }),
    event: isSettled ? event : undefined,
    expired: false,
    again: undefined,
  };
}

/** What is left of pods is let go, and after its time the Job itself. */
function afterEnd(view: JobView, tracking: Tracking, active: readonly Pod[], ended: Finished): JobPlan {
  const { job, now } = view;
  const condition_ = conditionOf(job.status?.conditions, ended);
  const { ttlSecondsAfterFinished } = job.spec;
  const since = timeOf(condition_?.lastTransitionTime) ?? now;
  const left =
    ttlSecondsAfterFinished === undefined ? undefined : since + ttlSecondsAfterFinished * 1000 - now;
  return {
    create: [],
    drop: active,
    fail: [],
    release: view.pods.filter(pod => !isActive(pod)),
    status: statusOf(view, tracking, [], {}),
    event: undefined,
    expired: left !== undefined && left <= 0,
    again: left !== undefined && left > 0 ? left : undefined,
  };
}

function suspended(view: JobView, tracking: Tracking, active: readonly Pod[]): JobPlan {
  const { job, now } = view;
  const before = conditionOf(job.status?.conditions, 'Suspended')?.status;
  const conditions = withCondition(job.status?.conditions, {
    type: 'Suspended',
    status: 'True',
    reason: 'JobSuspended',
    message: 'Job suspended',
    lastProbeTime: timestampOf(now),
    lastTransitionTime: timestampOf(now),
  });
  const { startTime: _begins, ...rest } = statusOf(view, tracking, active, { conditions });
  return {
    create: [],
    drop: active,
    fail: [],
    release: tracking.release,
    status: rest,
    event: before === 'True' ? undefined : { type: 'Normal', reason: 'Suspended', note: 'Job suspended' },
    expired: false,
    again: undefined,
  };
}

function running(view: JobView, tracking: Tracking, active: readonly Pod[]): JobPlan {
  const { job, now } = view;
  const wasSuspended = conditionOf(job.status?.conditions, 'Suspended')?.status === 'True';
  const conditions = wasSuspended
    ? withCondition(job.status?.conditions, {
        type: 'Suspended',
        status: 'False',
        reason: 'JobResumed',
        message: 'Job resumed',
        lastProbeTime: timestampOf(now),
        lastTransitionTime: timestampOf(now),
      })
    : job.status?.conditions;
  const start = job.status?.startTime === undefined || wasSuspended ? { startTime: timestampOf(now) } : {};
  const began = timeOf(start.startTime ?? job.status?.startTime) ?? now;
  const deadline = job.spec.activeDeadlineSeconds;
  const change = { ...start, ...(conditions === undefined ? {} : { conditions }) };
  const wanted = wantedPods(view, tracking, active);
  const pause = wanted.create.length === 0 || limitPerIndex(job) !== undefined ? 0 : pauseOf(view);
  const waits = [
    ...(pause > 0 ? [pause] : wanted.pauses),
    ...(deadline === undefined ? [] : [Math.max(1, began + deadline * 1000 - now)]),
  ];
  return {
    create: pause > 0 ? [] : wanted.create,
    drop: wanted.drop,
    fail: [],
    release: tracking.release,
    status: statusOf(view, tracking, active, change),
    event: wasSuspended ? { type: 'Normal', reason: 'Resumed', note: 'Job resumed' } : undefined,
    expired: false,
    again: waits.length === 0 ? undefined : Math.min(...waits),
  };
}

/** How many pods have to run now: as many as are still to succeed, and never more than spec.parallelism. */
function wantedPods(view: JobView, tracking: Tracking, active: readonly Pod[]): Wanted {
  const { job, unseen } = view;
  const { completions, parallelism = 1 } = job.spec;
  const succeeded = isIndexed(job)
    ? tracking.succeeded
    : tracking.succeeded + tracking.uncounted.succeeded.length;
  // podReplacementPolicy Failed: who is about to end still holds its place.
  const isEnding = (pod: Pod) => isTerminating(pod) && !isTerminated(pod) && !hasFailed(job, pod);
  const leaving = job.spec.podReplacementPolicy === 'Failed' ? view.pods.filter(isEnding) : [];
  const present = active.length + unseen.count + leaving.length;
  const wanted =
    completions === undefined
      ? succeeded > 0
        ? Math.min(present, parallelism)
        : parallelism
      : Math.min(Math.max(completions - succeeded - tracking.failedIndexes.size, 0), parallelism);
  if (present > wanted) {
    const surplus = active.toSorted((a, b) => rank(a) - rank(b)).slice(0, present - wanted);
    return { create: [], drop: surplus, pauses: [] };
  }
  const missing = Math.min(wanted - present, BURST);
  if (!isIndexed(job))
    return { create: Array.from({ length: missing }, () => undefined), drop: [], pauses: [] };
  const taken = new Set([...[...active, ...leaving].map(indexOf), ...unseen.indexes]);
  const free: number[] = [];
  const pauses: number[] = [];
  for (let index = 0; index < (completions ?? 0) && free.length < missing; index++) {
    if (taken.has(index) || tracking.completedIndexes.has(index) || tracking.failedIndexes.has(index))
      continue;
    const failed = tracking.kept.get(index);
    const pause = failed === undefined ? 0 : pauseAfter(attemptOf(failed) + 1, endTimeOf(failed), view.now);
    if (pause > 0) pauses.push(pause);
    else free.push(index);
  }
  return { create: free, drop: [], pauses };
}

interface Wanted {
  readonly create: readonly (number | undefined)[];
  readonly drop: readonly Pod[];
  /** Milliseconds until indexes that failed may be tried again. */
  readonly pauses: readonly number[];
}

/** The annotations of a pod that is made for an index: how often it had failed before. */
export function annotationsFor(
  job: Job,
  pods: readonly Pod[],
  index: number | undefined,
): Readonly<Record<string, string>> {
  if (index === undefined || limitPerIndex(job) === undefined) return {};
  const failed = lastFailures(pods.filter(pod => indexOf(pod) === index && hasFailed(job, pod))).get(index);
  return failureAnnotations(failed === undefined ? { counted: 0, ignored: 0 } : failuresWith(job, failed));
}

/** Who has done the least goes first. */
function rank(pod: Pod): number {
  if ((pod.spec.nodeName ?? '') === '') return 0;
  if (pod.status?.phase !== 'Running') return 1;
  return isReady(pod) ? 3 : 2;
}

/** Milliseconds until a failed pod may be replaced; grows with the failures since the last success. */
function pauseOf(view: JobView): number {
  const ends = view.pods.filter(isTerminated).map(pod => ({ pod, at: endTimeOf(pod) }));
  const lastSuccess = Math.max(
    0,
    ...ends.filter(({ pod }) => pod.status?.phase === 'Succeeded').map(({ at }) => at),
  );
  const failures = ends.filter(({ pod, at }) => pod.status?.phase === 'Failed' && at > lastSuccess);
  if (failures.length === 0) return 0;
  return pauseAfter(failures.length, Math.max(...failures.map(({ at }) => at)), view.now);
}

/** Milliseconds from `now` until a pod may be made after so many failures, the last of which was at `since`. */
function pauseAfter(failures: number, since: number, now: number): number {
  const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 10));
  return Math.max(0, since + pause - now);
}

/** Milliseconds since the epoch at which the last container of the pod ended. */
function endTimeOf(pod: Pod): number {
  const times = (pod.status?.containerStatuses ?? []).map(
    ({ state }) => timeOf(state?.terminated?.finishedAt) ?? 0,
  );
  return Math.max(timeOf(pod.metadata.deletionTimestamp) ?? 0, ...times);
}

function statusOf(
  view: JobView,
  tracking: Tracking,
  active: readonly Pod[],
  change: Partial<JobStatus>,
): JobStatus {
  const { job } = view;
  const { succeeded: _succeeded, failed: _failed, active: _active, ...kept } = job.status ?? {};
  return { ...kept, ...trackingStatus(job, tracking), ...gauges(view, active), ...change };
}

function gauges(view: JobView, active: readonly Pod[]): Partial<JobStatus> {
  const terminating = view.pods.filter(pod => isTerminating(pod) && !isTerminated(pod)).length;
  return {
    // A count that is 0 is left out, as the API's own types do.
    ...(active.length === 0 ? {} : { active: active.length }),
    ready: active.filter(isReady).length,
    terminating,
  };
}

function condition(type: string, verdict: Verdict, time: string): JobCondition {
  return {
    type,
    status: 'True',
    reason: verdict.reason,
    message: verdict.message,
    lastProbeTime: time,
    lastTransitionTime: time,
  };
}
