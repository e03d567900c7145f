import type { CronJob, CronJobStatus, Job } from '../../../kube/types/batch.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { conditionOf } from '../conditions.ts';
import { controllerReference } from '../ownership.ts';
import { timeOf } from '../pod-state.ts';
import { nextTime, parseSchedule, type Schedule } from './schedule.ts';

export const CRON_JOB_TYPE = { apiVersion: 'batch/v1', kind: 'CronJob' };
const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface CronJobView {
  readonly cronJob: CronJob;
  /** All Jobs that it owns. */
  readonly jobs: readonly Job[];
  readonly now: number;
}

export interface CronJobPlan {
  /** Running Jobs that give way to the next (concurrencyPolicy Replace). */
  readonly replace: readonly Job[];
  readonly create: Job | undefined;
  /** Ended Jobs beyond the history limits. */
  readonly forget: readonly Job[];
  /** Jobs that ended and stood among the active ones. */
  readonly finished: readonly Job[];
  readonly status: CronJobStatus;
  readonly warning: { readonly reason: string; readonly note: string } | undefined;
  /** Milliseconds until the next time of the schedule. */
  readonly again: number | undefined;
}

/** One step of a CronJob. */
export function plan(view: CronJobView): CronJobPlan {
  const { cronJob, jobs, now } = view;
  const running = jobs.filter(job => outcomeOf(job) === undefined);
  const listed = new Set((cronJob.status?.active ?? []).map(reference => reference.uid));
  const finished = jobs.filter(job => outcomeOf(job) !== undefined && listed.has(job.metadata.uid ?? ''));
  const base: CronJobPlan = {
    replace: [],
    create: undefined,
    forget: beyondHistory(cronJob, jobs),
    finished,
    status: statusOf(view, running, {}),
    warning: undefined,
    again: undefined,
  };
  const schedule = parseSchedule(cronJob.spec.schedule);
  if (schedule === undefined)
    return {
      ...base,
      warning: { reason: 'UnparseableSchedule', note: `unparseable schedule ${cronJob.spec.schedule}` },
    };
  if (cronJob.metadata.deletionTimestamp !== undefined || cronJob.spec.suspend === true) return base;
  const zone = cronJob.spec.timeZone ?? 'UTC';
  const next = nextTime(schedule, now, zone);
  const again = next === undefined ? undefined : next - now + 1;
  const due = latestDue(view, schedule, zone);
  if (due === undefined) return { ...base, again };
  return { ...base, again, ...start(view, running, due, zone) };
}

/** What a due time leads to: a Job, or none, by startingDeadlineSeconds and concurrencyPolicy. */
function start(view: CronJobView, running: readonly Job[], due: number, zone: string): Partial<CronJobPlan> {
  const { cronJob, now } = view;
  const { concurrencyPolicy, startingDeadlineSeconds } = cronJob.spec;
  if (startingDeadlineSeconds !== undefined && due + startingDeadlineSeconds * 1000 < now)
    return {
      warning: {
        reason: 'MissSchedule',
        note: `Missed scheduled time to start a job: ${timestampOf(due)}`,
      },
    };
  const job = jobOf(cronJob, due, zone);
  if (view.jobs.some(each => each.metadata.name === job.metadata.name)) return {};
  if (concurrencyPolicy === 'Forbid' && running.length > 0)
    return {
      warning: {
        reason: 'JobAlreadyActive',
        note: 'Not starting job because prior execution is running and concurrency policy is Forbid',
      },
    };
  const replace = concurrencyPolicy === 'Replace' ? running : [];
  const kept = concurrencyPolicy === 'Replace' ? [] : running;
  return {
    replace,
    create: job,
    status: statusOf(view, kept, { lastScheduleTime: timestampOf(due) }),
  };
}

/** The last time of the schedule that has passed and was not served; those before it are not made up for. */
function latestDue(view: CronJobView, schedule: Schedule, zone: string): number | undefined {
  const { cronJob, now } = view;
  const last = timeOf(cronJob.status?.lastScheduleTime) ?? timeOf(cronJob.metadata.creationTimestamp) ?? now;
  const { startingDeadlineSeconds } = cronJob.spec;
  const since =
    startingDeadlineSeconds === undefined ? last : Math.max(last, now - startingDeadlineSeconds * 1000);
  let due: number | undefined;
  // After a long sleep only the last few matter: the search begins a little before now and grows as needed.
  for (let window = 3_600_000; ; window *= 24) {
    const from = Math.max(since, now - window);
    for (let time = nextTime(schedule, from, zone); time !== undefined && time <= now;)
      [due, time] = [time, nextTime(schedule, time, zone)];
    if (due !== undefined || from === since) return due;
  }
}

function jobOf(cronJob: CronJob, due: number, zone: string): Job {
  const { jobTemplate } = cronJob.spec;
  const { namespace, name } = cronJob.metadata;
  const { annotations, labels } = jobTemplate.metadata ?? {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${name.slice(0, 52)}-${Math.floor(due / 60_000)}`,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [SCHEDULED]: zoned(due, zone) },
      ownerReferences: [controllerReference(cronJob, CRON_JOB_TYPE)],
    },
    spec: jobTemplate.spec,
  };
}

/** RFC 3339 with the offset of the zone. */
function zoned(time: number, zone: string): string {
  if (zone === 'UTC') return timestampOf(time);
  const parts = new Map(
    new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
      .formatToParts(time)
      .map(({ type, value }) => [type, value]),
  );
  const offset = (parts.get('timeZoneName') ?? 'GMT').slice('GMT'.length) || '+00:00';
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d+):(\d+)/.exec(offset) ?? [];
  const shift = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60_000 : 60_000);
  return timestampOf(time + shift).replace('Z', offset);
}

/** How a Job has ended; undefined while it has not. */
export function outcomeOf(job: Job): 'Complete' | 'Failed' | undefined {
  return (['Complete', 'Failed'] as const).find(
    type => conditionOf(job.status?.conditions, type)?.status === 'True',
  );
}

function beyondHistory(cronJob: CronJob, jobs: readonly Job[]): readonly Job[] {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec;
  const age = (job: Job) => timeOf(job.status?.startTime) ?? timeOf(job.metadata.creationTimestamp) ?? 0;
  const surplus = (outcome: 'Complete' | 'Failed', limit: number) => {
    const ended = jobs.filter(job => outcomeOf(job) === outcome).toSorted((a, b) => age(a) - age(b));
    return ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...surplus('Complete', successfulJobsHistoryLimit), ...surplus('Failed', failedJobsHistoryLimit)];
}

function statusOf(view: CronJobView, running: readonly Job[], change: Partial<CronJobStatus>): CronJobStatus {
  const { active: _active, ...kept } = view.cronJob.status ?? {};
  const active = running.map(job => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: job.metadata.name,
    ...(job.metadata.namespace === undefined ? {} : { namespace: job.metadata.namespace }),
    ...(job.metadata.uid === undefined ? {} : { uid: job.metadata.uid }),
    ...(job.metadata.resourceVersion === undefined ? {} : { resourceVersion: job.metadata.resourceVersion }),
  }));
  const ends = view.jobs
    .filter(job => outcomeOf(job) === 'Complete')
    .map(job => timeOf(job.status?.completionTime) ?? 0);
  const lastSuccess = Math.max(timeOf(kept.lastSuccessfulTime) ?? 0, ...ends);
  return {
    ...kept,
    ...(active.length === 0 ? {} : { active }),
    ...(lastSuccess === 0 ? {} : { lastSuccessfulTime: timestampOf(lastSuccess) }),
    ...change,
  };
}
