import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Job, JobSpec, JobStatus } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { plan } from './decide.ts';
import { TRACKING_FINALIZER, podOf } from './pod.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

const jobOf = (spec: Partial<JobSpec>, status?: JobStatus): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'work', namespace: 'n', uid: 'u' },
  spec: {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'b' }] } },
    ...spec,
  },
  ...(status === undefined ? {} : { status }),
});

/** A small world that does what it is told: pods run, end as `fate` says, and lose their finalizer when released. */
function runToTheEnd(first: Job, fate: (turn: number) => 'Succeeded' | 'Failed' | 'deleted' | 'runs') {
  let job = first;
  let pods: Pod[] = [];
  let made = 0;
  let most = 0;
  const ends = { Succeeded: 0, Failed: 0 };
  for (let turn = 0; turn < 200; turn++) {
    const now = NOW + turn * 3_600_000; // pauses are over at every turn
    const next = plan({
      job,
      pods,
      unseen: { count: 0, indexes: new Set() },
      deleted: new Set(),
      now,
    });
    job = { ...job, status: next.status };
    const released = new Set([...next.release, ...next.drop].map(pod => pod.metadata.uid));
    const going = new Set([...next.drop, ...next.fail].map(pod => pod.metadata.uid));
    pods = pods
      .map((pod): Pod => {
        const { uid = '' } = pod.metadata;
        const { finalizers: held, ...metadata } = pod.metadata;
        return {
          ...pod,
          metadata: {
            ...metadata,
            ...(held === undefined || released.has(uid) ? {} : { finalizers: held }),
            ...(going.has(uid) ? { deletionTimestamp: '2030-01-01T00:00:00Z' } : {}),
          },
        };
      })
      .filter(pod => pod.metadata.deletionTimestamp === undefined || pod.metadata.finalizers !== undefined);
    for (const index of next.create) {
      const pod = podOf(job, index);
      made += 1;
      pods.push({
        ...pod,
        metadata: { ...pod.metadata, uid: `uid-${made}` },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      });
    }
    const running = pods.filter(
      pod => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined,
    );
    most = Math.max(most, running.length);
    if (job.status?.conditions?.some(each => ['Complete', 'Failed'].includes(each.type)) === true) {
      return { job, pods, made, most, ends };
    }
    for (const pod of running) {
      const end = fate(made * 7 + turn);
      if (end === 'runs') continue;
      const at = pods.indexOf(pod);
      ends[end === 'Succeeded' ? 'Succeeded' : 'Failed'] += 1;
      pods[at] =
        end === 'deleted'
          ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } }
          : { ...pod, status: { phase: end } };
    }
  }
  return { job, pods, made, most, ends };
}

const endOf = (job: Job) =>
  job.status?.conditions?.find(each => ['Complete', 'Failed'].includes(each.type))?.type;

test('every end is counted once, whatever becomes of the pods, and never too many run', () => {
  const fates = fc.infiniteStream(fc.constantFrom('Succeeded', 'Failed', 'deleted', 'runs'));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 8 }),
      fc.boolean(),
      fates,
      (completions, parallelism, backoffLimit, isIndexed, stream) => {
        const { job, most, ends } = runToTheEnd(
          jobOf({
            completions,
            parallelism,
            backoffLimit,
            completionMode: isIndexed ? 'Indexed' : 'NonIndexed',
          }),
          () => stream.next().value as 'Succeeded',
        );
        const { succeeded = 0, failed = 0, active = 0 } = job.status ?? {};
        assert.ok(most <= parallelism, `${most} ran at once`);
        assert.ok(['Complete', 'Failed'].includes(endOf(job) ?? ''), 'it ends');
        assert.equal(active, 0);
        assert.equal(succeeded, ends.Succeeded);
        if (endOf(job) === 'Complete') {
          assert.equal(succeeded, completions);
          assert.equal(failed, ends.Failed);
        } else {
          assert.ok(failed > backoffLimit);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('a work queue ends when one pod has found it empty and the others have ended', () => {
  const queue = jobOf({ parallelism: 3 });
  const { completions: _none, ...spec } = queue.spec;
  let turn = 0;
  const { job, made } = runToTheEnd({ ...queue, spec }, () => (turn++ < 2 ? 'runs' : 'Succeeded'));
  assert.equal(endOf(job), 'Complete');
  assert.equal(made, 3, 'none is made once one has succeeded');
});

test('a pod that failed is replaced after 10 s, then 20 s, counted from its end', () => {
  const failedPod = (name: string, finishedAt: string): Pod => {
    const pod = podOf(jobOf({}), undefined);
    const { finalizers: _counted, ...metadata } = pod.metadata;
    return {
      ...pod,
      metadata: { ...metadata, name, uid: name },
      status: {
        phase: 'Failed',
        containerStatuses: [
          {
            name: 'a',
            image: 'b',
            imageID: '',
            ready: false,
            restartCount: 0,
            state: { terminated: { exitCode: 1, finishedAt } },
          },
        ],
      },
    };
  };
  const planWith = (pods: readonly Pod[]) =>
    plan({
      job: jobOf({}, { failed: pods.length, startTime: '2029-12-31T00:00:00Z', uncountedTerminatedPods: {} }),
      pods,
      unseen: { count: 0, indexes: new Set() },
      deleted: new Set(),
      now: NOW,
    });
  const once = planWith([failedPod('one', '2029-12-31T23:59:55Z')]);
  assert.deepEqual([once.create.length, once.again], [0, 5000]);
  assert.equal(planWith([failedPod('one', '2029-12-31T23:59:50Z')]).create.length, 1);
  const twice = planWith([
    failedPod('one', '2029-12-31T23:59:00Z'),
    failedPod('two', '2029-12-31T23:59:50Z'),
  ]);
  assert.deepEqual([twice.create.length, twice.again], [0, 10_000]);
});

test('its pods carry the finalizer that holds them until they are counted', () => {
  assert.deepEqual(podOf(jobOf({}), undefined).metadata.finalizers, [TRACKING_FINALIZER]);
});
