import type { Job } from '../../../kube/types/batch.ts';
import { conditionOf } from '../conditions.ts';
import { isActive, isTerminated, timeOf } from '../pod-state.ts';
import { judgeFailure } from './failure-policy.ts';
import { isIndexed } from './pod.ts';
import { successMessage } from './success-policy.ts';
import type { Tracking } from './tracking.ts';
import type { JobView } from './view.ts';

export type Finished = 'Complete' | 'Failed';

export interface Verdict {
  readonly type: Finished;
  readonly reason: string;
  readonly message: string;
}

/** Whether the Job is over, and how; a verdict that was written down once stays. */
export function verdictOf(view: JobView, tracking: Tracking): Verdict | undefined {
  const { job, now } = view;
  const written = conditionOf(job.status?.conditions, 'FailureTarget');
  if (written?.status === 'True')
    return { type: 'Failed', reason: written.reason ?? '', message: written.message ?? '' };
  // The pods that are not needed any more are deleted, which counts as their failure, and not as the Job's.
  const met = conditionOf(job.status?.conditions, 'SuccessCriteriaMet');
  if (met?.status === 'True')
    return { type: 'Complete', reason: met.reason ?? '', message: met.message ?? '' };
  if (tracking.fatal !== undefined)
    return { type: 'Failed', reason: 'PodFailurePolicy', message: tracking.fatal };
  const { activeDeadlineSeconds, backoffLimit = 6 } = job.spec;
  const failed = tracking.failed + tracking.uncounted.failed.length + countedOf(job, tracking.kept);
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
  const byIndex = indexVerdict(job, tracking);
  if (byIndex !== undefined) return byIndex;
  const success = isIndexed(job) ? successMessage(job, tracking.completedIndexes) : undefined;
  if (success !== undefined) return { type: 'Complete', reason: 'SuccessPolicy', message: success };
  return isAccomplished(view, tracking)
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : undefined;
}

/** Where failures are counted by index: too many of them are given up, or all that are not have succeeded. */
function indexVerdict(job: Job, { failedIndexes, completedIndexes }: Tracking): Verdict | undefined {
  const { completions = 0, maxFailedIndexes } = job.spec;
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes)
    return {
      type: 'Failed',
      reason: 'MaxFailedIndexesExceeded',
      message: 'Job has exceeded the specified maximal number of failed indexes',
    };
  if (failedIndexes.size === 0 || failedIndexes.size + completedIndexes.size < completions) return undefined;
  return { type: 'Failed', reason: 'FailedIndexes', message: 'Job has failed indexes' };
}

function countedOf(job: Job, kept: Tracking['kept']): number {
  return [...kept.values()].filter(pod => judgeFailure(job, pod).action !== 'Ignore').length;
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
