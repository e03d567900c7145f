import { isDeepStrictEqual } from 'node:util';
import { isNotFound } from '../../../kube/api-error.ts';
import { JOBS, PODS, keyOf, parseKey } from '../../../kube/resources.ts';
import type { Job } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { claimPods } from '../claiming.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { LOOK_AFTER_MILLISECONDS, OwnedPods, firstError } from '../owned-pods.ts';
import { controllerOf, ownersConcerned } from '../ownership.ts';
import { PendingWrites } from '../pending-writes.ts';
import { slowStart } from '../slow-start.ts';
import { annotationsFor, plan } from './decide.ts';
import type { JobPlan } from './decide.ts';
import { JOB_TYPE, TRACKING_FINALIZER, indexOf, podOf } from './pod.ts';
import { unsupported } from './unsupported.ts';
import type { JobView } from './view.ts';

/** Runs each Job's pods until enough of them have succeeded. */
export function startJobs(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { jobs, pods } = informers;
  const events = context.events.of('job-controller');
  const hands = new OwnedPods(context, JOB_TYPE.kind, events);
  const pending = new PendingWrites(clock);
  /** Pod key → index, of pods that the cache does not show yet. */
  const indexes = new Map<string, number>();
  const queue = controllerQueue(context, 'jobs', synchronize, 4);

  const jobsOf = (pod: Pod | undefined): readonly string[] => ownersConcerned(jobs.cache, JOB_TYPE.kind, pod);

  const stop = [
    jobs.onChange(({ before, after }) => {
      const job = after ?? before;
      if (job !== undefined) queue.add(keyOf(job));
    }),
    pods.onChange(({ before, after }) => {
      const pod = after ?? before;
      if (pod !== undefined) {
        hands.seen(pod, after === undefined);
        indexes.delete(keyOf(pod));
      }
      for (const owner of new Set([...jobsOf(before), ...jobsOf(after)])) queue.add(owner);
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const job = jobs.cache.get(key);
    if (job === undefined) {
      hands.forget(key);
      pending.forget(key);
      await releaseOrphans(key);
      return;
    }
    const problem = unsupported(job);
    if (problem !== undefined) {
      events.warning(job, 'NotOffered', `${problem} is not offered by this cluster: the Job does not run.`);
      return;
    }
    // What was counted is in the status: it must be the one that was written last.
    const wait = pending.unseen(key, each => jobs.cache.get(each)?.metadata.resourceVersion);
    if (wait !== undefined) {
      queue.addAfter(key, wait);
      return;
    }
    await hands.lookForUnseen(key);
    const owned = await claimPods(context, job, { ownerResource: JOBS, ownerType: JOB_TYPE });
    hands.settle(key, owned);
    const next = plan(viewOf(job, key, owned));
    if (next.expired) {
      await remove(job);
      return;
    }
    await writeStatus(job, key, next);
    for (const pod of next.release) await release(pod);
    for (const pod of next.drop) await release(pod);
    const failed =
      (await firstError([...next.drop, ...next.fail].map(pod => hands.remove(job, key, pod)))) ??
      (await createAll(job, key, owned, next.create));
    if (failed !== undefined) throw failed;
    if (next.event !== undefined) {
      const { type, reason, note } = next.event;
      if (type === 'Normal') events.normal(job, reason, note);
      else events.warning(job, reason, note);
    }
    if (next.again !== undefined) queue.addAfter(key, next.again);
    else if (hands.creations(key).size > 0) queue.addAfter(key, LOOK_AFTER_MILLISECONDS);
  }

  function viewOf(job: Job, key: string, owned: readonly Pod[]): JobView {
    const creations = [...hands.creations(key).keys()];
    return {
      job,
      pods: owned,
      unseen: {
        count: creations.length,
        indexes: new Set(creations.flatMap(pod => indexes.get(pod) ?? [])),
      },
      deleted: hands.deletions(key),
      now: clock.now(),
    };
  }

  function createAll(
    job: Job,
    key: string,
    owned: readonly Pod[],
    places: JobPlan['create'],
  ): Promise<Error | undefined> {
    const left = [...places];
    return slowStart(left.length, () => {
      const place = left.shift();
      const pod = podOf(job, place, annotationsFor(job, owned, place));
      const index = indexOf(pod);
      if (index !== undefined) indexes.set(keyOf(pod), index);
      return hands.create(job, key, pod);
    });
  }

  async function writeStatus(job: Job, key: string, { status }: JobPlan): Promise<void> {
    if (isDeepStrictEqual(status, job.status)) return;
    pending.wrote(key, job, await client.update(JOBS, { ...job, status }, { subresource: 'status' }));
  }

  /** The pod's end is counted, or does not count. */
  async function release(pod: Pod): Promise<void> {
    const finalizers = pod.metadata.finalizers ?? [];
    if (!finalizers.includes(TRACKING_FINALIZER)) return;
    const { uid, resourceVersion } = pod.metadata;
    const rest = finalizers.filter(each => each !== TRACKING_FINALIZER);
    const patch = { metadata: { uid, resourceVersion, finalizers: rest.length === 0 ? null : rest } };
    try {
      await client.patch(PODS, parseKey(keyOf(pod)), patch, { type: 'merge' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Nobody is left to count them. */
  async function releaseOrphans(key: string): Promise<void> {
    const { namespace = '', name } = parseKey(key);
    for (const pod of pods.cache.by('namespace', namespace)) {
      const owner = controllerOf(pod);
      if (owner?.kind === JOB_TYPE.kind && owner.name === name) await release(pod);
    }
  }

  async function remove(job: Job): Promise<void> {
    const { uid } = job.metadata;
    try {
      await client.delete(JOBS, parseKey(keyOf(job)), {
        propagationPolicy: 'Foreground',
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return {
    name: 'jobs',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
