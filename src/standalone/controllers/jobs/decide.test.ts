import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Job, JobSpec, JobStatus } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { annotationsFor, plan } from './decide.ts';
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

const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 4 } as const;

test('each index may fail as often as its limit says; those that are given up fail the Job when the others are through', () => {
  const fate = (place: number, attempt: number) =>
    place === 1 || (place === 2 && attempt < 2) ? ('Failed' as const) : ('Succeeded' as const);
  const { job, attempts } = runIndexes(jobOf({ ...indexed, backoffLimitPerIndex: 2 }), fate);
  assert.deepEqual(attempts, [1, 3, 3, 1], 'the first and two more');
  const { completedIndexes, failedIndexes, succeeded, failed } = job.status ?? {};
  assert.deepEqual([completedIndexes, failedIndexes, succeeded, failed], ['0,2,3', '1', 3, 5]);
  const { reason, message } = job.status?.conditions?.find(({ type }) => type === 'Failed') ?? {};
  assert.deepEqual([reason, message], ['FailedIndexes', 'Job has failed indexes']);
});

test('more indexes that are given up than maxFailedIndexes end the Job at once', () => {
  const spec = { ...indexed, parallelism: 1, backoffLimitPerIndex: 0, maxFailedIndexes: 1 };
  const { job, attempts } = runIndexes(jobOf(spec), place => (place < 2 ? 'Failed' : 'Succeeded'));
  assert.deepEqual(attempts, [1, 1, 0, 0], 'the others are never begun');
  assert.equal(
    job.status?.conditions?.find(({ type }) => type === 'Failed')?.reason,
    'MaxFailedIndexesExceeded',
  );
});

test('the action FailIndex gives an index up at its first such end, and Ignore never counts', () => {
  const onExitCodes = (...values: readonly number[]) => ({ operator: 'In', values }) as const;
  const rules = [
    { action: 'FailIndex', onExitCodes: onExitCodes(3) },
    { action: 'Ignore', onExitCodes: onExitCodes(4) },
  ] as const;
  const spec = { ...indexed, backoffLimitPerIndex: 1, podFailurePolicy: { rules } };
  const codes = [3, 4, 5, 5];
  const fate = (place: number, attempt: number) =>
    (place === 1 && attempt === 4) || place > 2 ? ('Succeeded' as const) : ('Failed' as const);
  const { job, attempts } = runIndexes(jobOf(spec), fate, place => codes[place] ?? 0);
  assert.deepEqual(attempts, [1, 5, 2, 1]);
  assert.deepEqual([job.status?.failedIndexes, job.status?.completedIndexes], ['0,2', '1,3']);
});

test('an index that fails again and again waits ever longer, and the others do not wait for it', () => {
  const spec = { ...indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 5 };
  const pod = podOf(jobOf(spec), 0, { 'batch.kubernetes.io/job-index-failure-count': '2' });
  const failedPod: Pod = {
    ...pod,
    metadata: { ...pod.metadata, uid: 'a' },
    status: { phase: 'Failed', containerStatuses: [terminated(1, '2029-12-31T23:59:50Z')] },
  };
  const view = { unseen: { count: 0, indexes: new Set<number>() }, deleted: new Set<string>(), now: NOW };
  const next = plan({ job: jobOf(spec), pods: [failedPod], ...view });
  assert.deepEqual([next.create, next.again], [[1], 30_000]);
  assert.deepEqual(next.release, [], 'it keeps the count until it is replaced');
});

test('a success policy ends the Job when the indexes that matter are through', () => {
  const rules = [{ succeededIndexes: '2-3', succeededCount: 1 }];
  const spec = { ...indexed, successPolicy: { rules } };
  const { job } = runIndexes(jobOf(spec), place => (place === 3 ? 'Succeeded' : 'runs'));
  const conditions = job.status?.conditions?.map(({ type, reason, message }) => [type, reason, message]);
  assert.deepEqual(conditions, [
    ['SuccessCriteriaMet', 'SuccessPolicy', 'Matched rules at index 0'],
    ['Complete', 'SuccessPolicy', 'Matched rules at index 0'],
  ]);
  assert.deepEqual([job.status?.completedIndexes, job.status?.active], ['3', undefined]);
});

test('a Job whose success is written down does not fail by the pods that are taken away for it', () => {
  const rules = [{ succeededIndexes: '0' }];
  const spec = { ...indexed, backoffLimit: 0, successPolicy: { rules } };
  const met = { type: 'SuccessCriteriaMet', status: 'True', reason: 'SuccessPolicy', message: 'm' } as const;
  const job = jobOf(spec, { completedIndexes: '0', conditions: [met] });
  const pods = [1, 2].map((index): Pod => {
    const pod = podOf(job, index);
    const metadata = { ...pod.metadata, uid: `u${index}`, deletionTimestamp: '2030-01-01T00:00:00Z' };
    return { ...pod, metadata, status: { phase: 'Running' } };
  });
  const view = { unseen: { count: 0, indexes: new Set<number>() }, deleted: new Set<string>(), now: NOW };
  const { status } = plan({ job, pods, ...view });
  assert.deepEqual(
    status.conditions?.map(({ type }) => type),
    ['SuccessCriteriaMet'],
  );
});

function terminated(exitCode: number, finishedAt: string) {
  const state = { terminated: { exitCode, finishedAt } };
  return { name: 'a', image: 'b', imageID: '', ready: false, restartCount: 0, state };
}

/** As `runToTheEnd`, with the fate of each attempt of each index. */
function runIndexes(
  first: Job,
  fate: (index: number, attempt: number) => 'Succeeded' | 'Failed' | 'runs',
  exitCode: (index: number) => number = () => 1,
) {
  let job = first;
  let pods: Pod[] = [];
  const attempts = Array.from({ length: first.spec.completions ?? 0 }, () => 0);
  for (let turn = 0; turn < 100; turn++) {
    const now = NOW + turn * 3_600_000;
    const next = plan({ job, pods, unseen: { count: 0, indexes: new Set() }, deleted: new Set(), now });
    const owned = pods;
    job = { ...job, status: next.status };
    if (job.status?.conditions?.some(({ type }) => ['Complete', 'Failed'].includes(type)) === true)
      return { job, attempts };
    const gone = new Set([...next.release, ...next.drop, ...next.fail]);
    pods = pods.filter(pod => !gone.has(pod));
    for (const index of next.create) {
      const pod = podOf(job, index, annotationsFor(job, owned, index));
      const place = index ?? 0;
      const attempt = attempts[place] ?? 0;
      attempts[place] = attempt + 1;
      const end = fate(place, attempt);
      const phase = end === 'runs' ? 'Running' : end;
      const containerStatuses =
        end === 'runs'
          ? []
          : [terminated(end === 'Failed' ? exitCode(place) : 0, new Date(now).toISOString())];
      pods.push({
        ...pod,
        metadata: { ...pod.metadata, uid: `${place}-${attempt}` },
        status: { phase, containerStatuses },
      });
    }
  }
  throw new Error(`the Job does not end: ${JSON.stringify(job.status)}`);
}
