/** Jobs, CronJobs and disruption budgets over nodes that only pretend to run pods. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { ApiError } from '../../src/kube/api-error.ts';
import {
  CRON_JOBS,
  DEPLOYMENTS,
  EVENTS,
  JOBS,
  PODS,
  POD_DISRUPTION_BUDGETS,
} from '../../src/kube/resources.ts';
import type { CronJob, Job, JobSpec } from '../../src/kube/types/batch.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes, type PretendNodes } from './pretend-nodes.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { webDeployment } from './workload-objects.ts';

const MERGE = { type: 'merge' } as const;
/** Without it, deleted Jobs leave their pods behind, as the API has always done. */
const BACKGROUND = { propagationPolicy: 'Background' } as const;
const WORK = { namespace: 'default', name: 'work' };

const clock = new ShiftedClock();
let plane: ControlPlane;
let nodes: PretendNodes;

before(async () => {
  plane = await startControlPlane({ clock });
  nodes = await startPretendNodes(plane.client, { names: ['node-1', 'node-2'], now: () => clock.now() });
});
after(async () => {
  await nodes[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});
beforeEach(async () => {
  nodes.setReadiness(() => true);
  for (const resource of [CRON_JOBS, JOBS, DEPLOYMENTS, POD_DISRUPTION_BUDGETS])
    await plane.client.deleteCollection(resource, { namespace: 'default', ...BACKGROUND });
  await eventually('the last test leaves nothing', async () => {
    const jobs = await plane.client.list(JOBS, { namespace: 'default' });
    const cronJobs = await plane.client.list(CRON_JOBS, { namespace: 'default' });
    return jobs.items.length + cronJobs.items.length + (await pods(true)).length === 0;
  });
});

const job = (spec: Partial<JobSpec> = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: WORK,
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'one' }],
        terminationGracePeriodSeconds: 1,
      },
    },
    ...spec,
  },
});
const get = () => plane.client.get(JOBS, WORK);
const condition = (found: Job, type: string) => found.status?.conditions?.find(each => each.type === type);

async function pods(all = false): Promise<readonly Pod[]> {
  const { items } = await plane.client.list(PODS, { namespace: 'default' });
  return items.filter(
    pod => all || (pod.metadata.deletionTimestamp === undefined && pod.status?.phase === 'Running'),
  );
}

const runs = (count: number) =>
  eventually(`${count} pods run`, async () => {
    const found = await pods();
    return found.length === count && found;
  });

/** As a kubelet does when the container ends. */
async function end(pod: Pod, exitCode: number, finishedAt = new Date().toISOString()): Promise<void> {
  const terminated = { exitCode, startedAt: finishedAt, finishedAt };
  const status = {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: [
      { name: 'main', image: 'one', imageID: '', ready: false, restartCount: 0, state: { terminated } },
    ],
  };
  const key = { namespace: 'default', name: pod.metadata.name };
  await plane.client.patch(PODS, key, { status }, { ...MERGE, subresource: 'status' });
}

const indexOf = (pod: Pod) => Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);

const LONG_AGO = '2020-01-01T00:00:00Z';

const until = (what: string, check: (found: Job) => boolean) =>
  eventually(
    what,
    async () => {
      const found = await get();
      return check(found) && found;
    },
    { seen: async () => (await get()).status },
  );

suite('Job', () => {
  test('runs one pod to its end, counts it once, and keeps it', async () => {
    await plane.client.create(JOBS, job());
    const [pod] = await runs(1);
    assert.ok(pod?.metadata.finalizers?.includes('batch.kubernetes.io/job-tracking'));
    await until(
      'it tells of its pod',
      ({ status }) => status?.active === 1 && status.startTime !== undefined,
    );
    await end(pod as Pod, 0);
    const done = await until('it is complete', found => condition(found, 'Complete')?.status === 'True');
    assert.equal(done.status?.succeeded, 1);
    assert.equal(done.status.active ?? 0, 0);
    assert.ok(done.status.completionTime !== undefined);
    assert.equal(condition(done, 'SuccessCriteriaMet')?.reason, 'CompletionsReached');
    const kept = await eventually('its pod is let go', async () => {
      const [found] = await pods(true);
      return found?.metadata.finalizers === undefined && found;
    });
    assert.equal(kept.status?.phase, 'Succeeded');
    await plane.client.delete(JOBS, WORK, BACKGROUND);
    await eventually('its pod goes with it', async () => (await pods(true)).length === 0);
  });

  test('runs as many as parallelism allows, until completions have succeeded', async () => {
    await plane.client.create(JOBS, job({ completions: 3, parallelism: 2 }));
    const first = await runs(2);
    for (const pod of first) await end(pod, 0);
    const [last] = await runs(1);
    await end(last as Pod, 0);
    const done = await until('it is complete', found => condition(found, 'Complete') !== undefined);
    assert.equal(done.status?.succeeded, 3);
    assert.equal((await pods(true)).length, 3);
  });

  test('an indexed Job runs each index once, and again when it failed', async () => {
    await plane.client.create(JOBS, job({ completions: 3, parallelism: 3, completionMode: 'Indexed' }));
    const first = await runs(3);
    const of = (index: number, list: readonly Pod[]) => list.find(pod => indexOf(pod) === index) as Pod;
    const pod = of(1, first);
    assert.equal(pod.spec.hostname, 'work-1');
    assert.equal(pod.metadata.labels?.['batch.kubernetes.io/job-completion-index'], '1');
    assert.match(pod.metadata.name, /^work-1-[a-z0-9]{5}$/);
    assert.equal(pod.spec.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
    await end(of(0, first), 0);
    await end(of(2, first), 0);
    await end(pod, 1, LONG_AGO);
    await until('two indexes are done', ({ status }) => status?.completedIndexes === '0,2');
    const [again] = await runs(1);
    assert.notEqual(again?.metadata.name, pod.metadata.name);
    await end(of(1, [again as Pod]), 0);
    const done = await until('it is complete', found => condition(found, 'Complete') !== undefined);
    assert.deepEqual([done.status?.completedIndexes, done.status?.failed], ['0-2', 1]);
  });

  test('an index that fails is given up by its own limit, and the others come to their end', async () => {
    const spec = {
      completions: 3,
      parallelism: 3,
      completionMode: 'Indexed',
      backoffLimitPerIndex: 0,
    } as const;
    await plane.client.create(JOBS, job(spec));
    for (const pod of await runs(3)) await end(pod, indexOf(pod) === 1 ? 1 : 0);
    const failed = await until('it has failed', found => condition(found, 'Failed')?.status === 'True');
    assert.equal(condition(failed, 'Failed')?.reason, 'FailedIndexes');
    const { failedIndexes, completedIndexes, succeeded } = failed.status ?? {};
    assert.deepEqual([failedIndexes, completedIndexes, succeeded], ['1', '0,2', 2]);
  });

  test('a success policy ends it, and what still runs', async () => {
    const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed' } as const;
    await plane.client.create(JOBS, job({ ...spec, successPolicy: { rules: [{ succeededIndexes: '2' }] } }));
    const leader = (await runs(3)).find(pod => indexOf(pod) === 2);
    await end(leader as Pod, 0);
    const done = await until('it is complete', found => condition(found, 'Complete')?.status === 'True');
    assert.equal(condition(done, 'Complete')?.reason, 'SuccessPolicy');
    assert.equal(done.status?.completedIndexes, '2');
    await runs(0);
  });

  test('fails beyond its back-off limit, and ends what still runs', async () => {
    await plane.client.create(JOBS, job({ completions: 2, parallelism: 2, backoffLimit: 0 }));
    const [pod] = await runs(2);
    await end(pod as Pod, 3);
    const failed = await until('it has failed', found => condition(found, 'Failed')?.status === 'True');
    assert.equal(condition(failed, 'Failed')?.reason, 'BackoffLimitExceeded');
    assert.equal(failed.status?.active ?? 0, 0);
    assert.equal(failed.status?.failed, 2, 'the pod that was ended counts, too');
  });

  test('a pod that failed just now is replaced only after a pause', async () => {
    await plane.client.create(JOBS, job());
    const [pod] = await runs(1);
    await end(pod as Pod, 1);
    await until('the failure is counted', ({ status }) => status?.failed === 1);
    assert.equal((await pods()).length, 0);
    const name = pod?.metadata.name ?? '';
    await plane.client.delete(PODS, { namespace: 'default', name });
    await runs(1);
  });

  test('a deleted pod counts as failed and is replaced', async () => {
    await plane.client.create(JOBS, job());
    const [pod] = await runs(1);
    await plane.client.delete(PODS, { namespace: 'default', name: pod?.metadata.name ?? '' });
    await until('it is counted', ({ status }) => status?.failed === 1);
    await eventually('another one runs', async () => {
      const found = await pods();
      return found.length === 1 && found[0]?.metadata.uid !== pod?.metadata.uid;
    });
  });

  test('its failure policy can end it at once, or look away', async () => {
    const onExitCodes = (operator: 'In', values: readonly number[]) => ({ operator, values });
    const rules = [
      { action: 'Ignore', onExitCodes: onExitCodes('In', [42]) },
      { action: 'FailJob', onExitCodes: onExitCodes('In', [7]) },
    ] as const;
    await plane.client.create(JOBS, job({ podFailurePolicy: { rules }, backoffLimit: 0 }));
    const [pod] = await runs(1);
    await end(pod as Pod, 42, LONG_AGO);
    const [second] = await runs(1);
    assert.equal((await get()).status?.failed ?? 0, 0);
    await end(second as Pod, 7);
    const failed = await until('it has failed', found => condition(found, 'Failed')?.status === 'True');
    assert.equal(condition(failed, 'Failed')?.reason, 'PodFailurePolicy');
    assert.match(
      condition(failed, 'Failed')?.message ?? '',
      /^Container main for pod default\/work-\w+ failed with exit code 7 matching FailJob rule at index 1$/,
    );
  });

  test('is suspended and resumed, and stops at its deadline', async () => {
    await plane.client.create(JOBS, job({ suspend: true }));
    await until('it is suspended', found => condition(found, 'Suspended')?.status === 'True');
    assert.equal((await pods()).length, 0);
    await plane.client.patch(JOBS, WORK, { spec: { suspend: false } }, MERGE);
    await runs(1);
    await until('it is told to run', ({ status }) => status?.active === 1);
    await plane.client.patch(JOBS, WORK, { spec: { suspend: true } }, MERGE);
    const paused = await until(
      'its pod is gone',
      found => condition(found, 'Suspended')?.status === 'True' && (found.status?.active ?? 0) === 0,
    );
    assert.equal(paused.status?.failed ?? 0, 0, 'that is no failure');
    assert.equal(paused.status?.startTime, undefined);
    await plane.client.patch(JOBS, WORK, { spec: { suspend: false, activeDeadlineSeconds: 1 } }, MERGE);
    const late = await until('it is too late', found => condition(found, 'Failed')?.status === 'True');
    assert.equal(condition(late, 'Failed')?.reason, 'DeadlineExceeded');
  });

  test('is gone its time after its end', async () => {
    await plane.client.create(JOBS, job({ ttlSecondsAfterFinished: 1 }));
    const [pod] = await runs(1);
    await end(pod as Pod, 0);
    await eventually('the Job and its pods are gone', async () => {
      const { items } = await plane.client.list(JOBS, { namespace: 'default' });
      return items.length === 0 && (await pods(true)).length === 0;
    });
  });

  test('is counted right though the controllers start again in the middle', async () => {
    await plane.client.create(JOBS, job({ completions: 6, parallelism: 3 }));
    for (let count = 0; count < 6; count++) {
      const [pod] = await eventually('one runs', async () => {
        const found = await pods();
        return found.length > 0 && found;
      });
      await end(pod as Pod, 0);
      if (count % 2 === 0) await plane.restartControllers();
    }
    const done = await until('it is complete', found => condition(found, 'Complete') !== undefined);
    assert.equal(done.status?.succeeded, 6);
    assert.equal((await pods(true)).length, 6);
  });
});

suite('CronJob', () => {
  const cron = (spec: Partial<CronJob['spec']> = {}): CronJob => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: WORK,
    spec: { schedule: '* * * * *', jobTemplate: { spec: job().spec }, ...spec },
  });
  /** Just after the next full minute: time goes on by itself, and must not come to the one after that. */
  const nextMinute = async () => {
    clock.advance(61_000 - (clock.now() % 60_000));
    await nodes.beat();
  };
  const jobs = async () => (await plane.client.list(JOBS, { namespace: 'default' })).items;
  const find = () => plane.client.get(CRON_JOBS, WORK);

  test('makes a Job at each of its times, and keeps a history of those that ended', async () => {
    await plane.client.create(CRON_JOBS, cron({ successfulJobsHistoryLimit: 1 }));
    for (let count = 0; count < 3; count++) {
      await nextMinute();
      await eventually('a pod runs', async () => (await pods()).length > 0);
      await eventually('its Job is told to be over', async () => {
        for (const pod of await pods()) await end(pod, 0);
        return (await find()).status?.active === undefined;
      });
    }
    await plane.client.patch(CRON_JOBS, WORK, { spec: { suspend: true } }, MERGE);
    await nextMinute();
    await eventually('one ended Job is kept', async () => (await jobs()).length === 1);
    const { status } = await find();
    assert.ok(status?.lastScheduleTime !== undefined && status.lastSuccessfulTime !== undefined);
    const [kept] = await jobs();
    assert.match(kept?.metadata.name ?? '', /^work-\d+$/);
    assert.ok(kept?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'] !== undefined);
  });

  test('Forbid waits for the Job that runs, Replace ends it', async () => {
    await plane.client.create(CRON_JOBS, cron({ concurrencyPolicy: 'Forbid' }));
    await nextMinute();
    const [first] = await runs(1);
    await nextMinute();
    await eventually('it is told that there is one', async () => {
      const { items } = await plane.client.list(EVENTS, { namespace: 'default' });
      return items.some(event => event.reason === 'JobAlreadyActive');
    });
    assert.equal((await jobs()).length, 1);
    await plane.client.patch(CRON_JOBS, WORK, { spec: { concurrencyPolicy: 'Replace' } }, MERGE);
    await nextMinute();
    await eventually('another Job has taken its place', async () => {
      const found = await pods();
      return found.length === 1 && found[0]?.metadata.uid !== first?.metadata.uid;
    });
  });
});

test('an eviction is refused while the budget allows none, and allowed again when a pod is ready', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one', { replicas: 2 }));
  await runs(2);
  await plane.client.create(POD_DISRUPTION_BUDGETS, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace: 'default', name: 'web' },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  const allowed = (count: number) =>
    eventually(`${count} evictions are allowed`, async () => {
      const { status } = await plane.client.get(POD_DISRUPTION_BUDGETS, {
        namespace: 'default',
        name: 'web',
      });
      return status?.disruptionsAllowed === count && status;
    });
  const first = await allowed(1);
  assert.deepEqual([first.expectedPods, first.desiredHealthy, first.currentHealthy], [2, 1, 2]);
  const evict = async (pod: Pod) => {
    const { name } = pod.metadata;
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } };
    await plane.client.createSubresource(PODS, { namespace: 'default', name }, 'eviction', eviction);
  };
  nodes.setReadiness(() => false);
  await allowed(0);
  nodes.setReadiness(() => true);
  await allowed(1);
  const [one, other] = await runs(2);
  nodes.setReadiness(pod => pod.metadata.uid === other?.metadata.uid);
  await evict(one as Pod);
  await eventually('its successor runs, and is not ready', async () => {
    const found = await pods();
    return found.length === 2 && found.every(pod => pod.metadata.uid !== one?.metadata.uid);
  });
  await allowed(0);
  await assert.rejects(
    evict(other as Pod),
    error => error instanceof ApiError && error.status === 429 && /disruption budget/.test(error.message),
  );
  nodes.setReadiness(() => true);
  await allowed(1);
  await evict(other as Pod);
});
