import type { Job, JobCondition, JobStatus } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { conditionOf, withCondition } from '../conditions.ts';
import { isActive, isReady, isTerminated, isTerminating, timeOf } from '../pod-state.ts';
import { indexOf, isIndexed } from './pod.ts';
import { hasFailed, track, trackingStatus, type Tracking } from './tracking.ts';

export interface JobView {
  readonly job: Job;
  /** All pods that the Job owns. */
  readonly pods: readonly Pod[];
  /** How many pods were created that the cache does not show yet, and for which indexes. */
  readonly unseen: { readonly count: number; readonly indexes: ReadonlySet<number> };
  /** Uids of pods whose deletion was asked for, though the cache may still show them alive. */
  readonly deleted: ReadonlySet<string>;
  readonly now: number;
}

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
  const tracking = track(job, pods);
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
  if (verdict !== undefined) return ending(view, tracking, active, verdict);
  if (job.spec.suspend === true) return suspended(view, tracking, active);
  return running(view, tracking, active);
}

type Finished = 'Complete' | 'Failed';

function endOf(job: Job): Finished | undefined {
  return (['Complete', 'Failed'] as const).find(
    type => conditionOf(job.status?.conditions, type)?.status === 'True',
  );
}

interface Verdict {
  readonly type: Finished;
  readonly reason: string;
  readonly message: string;
}

/** Whether the Job is over, and how; a verdict that was written down once stays. */
function verdictOf(view: JobView, tracking: Tracking): Verdict | undefined {
  const { job, now } = view;
  const written = conditionOf(job.status?.conditions, 'FailureTarget');
  if (written?.status === 'True')
    return { type: 'Failed', reason: written.reason ?? '', message: written.message ?? '' };
  if (tracking.fatal !== undefined)
    return { type: 'Failed', reason: 'PodFailurePolicy', message: tracking.fatal };
  const { activeDeadlineSeconds, backoffLimit = 6 } = job.spec;
  const failed = tracking.failed + tracking.uncounted.failed.length;
  if (failed > backoffLimit || restartsBeyond(view, backoffLimit))
    return {
      type: 'Failed',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    };
  const began = timeOf(job.status?.startTime);
  if (
    activeDeadlineSeconds !== undefined &&
    began !== undefined &&
    now >= began + activeDeadlineSeconds * 1000
  )
    return {
      type: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    };
  return isAccomplished(view, tracking)
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : undefined;
}

/** With restartPolicy OnFailure the restarts of living pods count. */
function restartsBeyond(view: JobView, limit: number): boolean {
  if (view.job.spec.template.spec.restartPolicy !== 'OnFailure') return false;
  let restarts = 0;
  for (const pod of view.pods) {
    if (isTerminated(pod)) continue;
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
    for (const status of [...containerStatuses, ...initContainerStatuses]) restarts += status.restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function isAccomplished(view: JobView, tracking: Tracking): boolean {
  const { completions } = view.job.spec;
  const succeeded = isIndexed(view.job)
    ? tracking.succeeded
    : tracking.succeeded + tracking.uncounted.succeeded.length;
  if (completions !== undefined) return succeeded >= completions;
  // A work queue: one pod found it empty, and all the others have ended, too.
  return succeeded > 0 && view.unseen.count === 0 && view.pods.every(pod => !isActive(pod));
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
  const pause = wanted.create.length === 0 ? 0 : pauseOf(view);
  const waits = [
    ...(pause > 0 ? [pause] : []),
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
function wantedPods(
  view: JobView,
  tracking: Tracking,
  active: readonly Pod[],
): { readonly create: readonly (number | undefined)[]; readonly drop: readonly Pod[] } {
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
      : Math.min(Math.max(completions - succeeded, 0), parallelism);
  if (present > wanted) {
    const surplus = active.toSorted((a, b) => rank(a) - rank(b)).slice(0, present - wanted);
    return { create: [], drop: surplus };
  }
  const missing = Math.min(wanted - present, BURST);
  if (!isIndexed(job)) return { create: Array.from({ length: missing }, () => undefined), drop: [] };
  const taken = new Set([...[...active, ...leaving].map(indexOf), ...unseen.indexes]);
  const free: number[] = [];
  for (let index = 0; index < (completions ?? 0) && free.length < missing; index++)
    if (!taken.has(index) && !tracking.completedIndexes.has(index)) free.push(index);
  return { create: free, drop: [] };
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
  const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures.length - 1, 10));
  return Math.max(0, Math.max(...failures.map(({ at }) => at)) + pause - view.now);
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
