import { isDeepStrictEqual } from 'node:util';
import { isAlreadyExists, isNotFound } from '../../../kube/api-error.ts';
import { CRON_JOBS, JOBS, keyOf, parseKey } from '../../../kube/resources.ts';
import type { CronJob, CronJobStatus, Job } from '../../../kube/types/batch.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { controllerOf } from '../ownership.ts';
import { PendingWrites } from '../pending-writes.ts';
import { CRON_JOB_TYPE, outcomeOf, plan } from './decide.ts';

/** Makes a Job whenever a CronJob's schedule names the time. */
export function startCronJobs(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { cronJobs, jobs } = informers;
  const events = context.events.of('cronjob-controller');
  const pending = new PendingWrites(clock);
  /** What was told last about a CronJob: a Job that may not start is told once, not at every look. */
  const told = new Map<string, string>();
  const queue = controllerQueue(context, 'cron-jobs', synchronize, 2);

  const stop = [
    cronJobs.onChange(({ before, after }) => {
      const cronJob = after ?? before;
      if (cronJob !== undefined) queue.add(keyOf(cronJob));
    }),
    jobs.onChange(({ before, after }) => {
      const job = after ?? before;
      const owner = job === undefined ? undefined : controllerOf(job);
      if (owner?.kind === CRON_JOB_TYPE.kind) queue.add(`${job?.metadata.namespace ?? ''}/${owner.name}`);
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const cronJob = cronJobs.cache.get(key);
    if (cronJob === undefined) {
      told.delete(key);
      pending.forget(key);
      return;
    }
    const wait = pending.unseen(
      key,
      each => (cronJobs.cache.get(each) ?? jobs.cache.get(each))?.metadata.resourceVersion,
    );
    if (wait !== undefined) {
      queue.addAfter(key, wait);
      return;
    }
    const owned = jobs.cache.by('controller', cronJob.metadata.uid ?? '');
    const next = plan({ cronJob, jobs: owned, now: clock.now() });
    for (const job of next.finished)
      events.normal(
        cronJob,
        'SawCompletedJob',
        `Saw completed job: ${job.metadata.name}, condition: ${outcomeOf(job) ?? ''}`,
      );
    for (const job of [...next.replace, ...next.forget]) await remove(cronJob, job);
    if (next.warning !== undefined) warn(cronJob, key, next.warning);
    // The Job first: its name follows from its time, so that a second attempt finds it and does not start another.
    if (next.create !== undefined) await create(cronJob, next.create);
    await writeStatus(cronJob, key, next.status);
    if (next.again !== undefined) queue.addAfter(key, next.again);
  }

  async function create(cronJob: CronJob, job: Job): Promise<void> {
    try {
      await client.create(JOBS, job);
      events.normal(cronJob, 'SuccessfulCreate', `Created job ${job.metadata.name}`);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async function remove(cronJob: CronJob, job: Job): Promise<void> {
    const { uid } = job.metadata;
    try {
      await client.delete(JOBS, parseKey(keyOf(job)), {
        propagationPolicy: 'Background',
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
      events.normal(cronJob, 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  function warn(cronJob: CronJob, key: string, { reason, note }: { reason: string; note: string }): void {
    if (told.get(key) === note) return;
    told.set(key, note);
    events.warning(cronJob, reason, note);
  }

  async function writeStatus(cronJob: CronJob, key: string, status: CronJobStatus): Promise<void> {
    if (isDeepStrictEqual(status, cronJob.status ?? {})) return;
    const written = await client.update(CRON_JOBS, { ...cronJob, status }, { subresource: 'status' });
    pending.wrote(key, cronJob, written);
  }

  return {
    name: 'cron-jobs',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
