import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodSpec } from '../../../kube/types/core.ts';
import type { Ending } from '../container/records.ts';
import { decide, outcomeOf } from './decide.ts';
import { unseen, type Observed, type ObservedContainer, type Run } from './observed.ts';
import { podStatus } from './status.ts';

const NOW = Date.parse('2030-01-01T00:01:00Z');

function podOf(spec: Partial<PodSpec>, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'a', image: 'pause' }], ...spec },
  };
}

const prepared: Observed = {
  volumes: { at: 'done', value: undefined },
  sandbox: { at: 'done', value: { addresses: ['10.0.0.1', 'fd00::1'], networkNamespace: '/run/netns/x' } },
  removing: 'no',
  containers: new Map(),
  gone: false,
  startTime: NOW - 60_000,
};

const running = (attempt = 0): ObservedContainer => ({
  ...unseen,
  started: true,
  ready: true,
  run: {
    at: 'running',
    attempt,
    id: `id-${attempt}`,
    record: {
      program: { pid: 2, startTime: 1 },
      launcher: { pid: 1, startTime: 1 },
      startedAt: '2030-01-01T00:00:00Z',
    },
  },
});

/** Ended `ago` milliseconds before NOW, having run for a second. */
function ended(
  exitCode: number,
  ago = 0,
  extra: Partial<ObservedContainer> & { attempt?: number } = {},
): ObservedContainer {
  const { attempt = 0, ...rest } = extra;
  const ending: Ending = {
    exitCode,
    signal: 0,
    outOfMemory: false,
    ran: true,
    message: '',
    startedAt: new Date(NOW - ago - 1000).toISOString(),
    finishedAt: new Date(NOW - ago).toISOString(),
  };
  const run: Run = { at: 'ended', attempt, id: `id-${attempt}`, ending };
  return { ...unseen, ...rest, run };
}

const withContainers = (
  containers: Readonly<Record<string, ObservedContainer>>,
  rest: Partial<Observed> = {},
): Observed => ({
  ...prepared,
  ...rest,
  containers: new Map(Object.entries(containers)),
});

function words(pod: Pod, observed: Observed): readonly string[] {
  return decide(pod, observed, NOW).actions.map(action =>
    action.do === 'start'
      ? `start ${action.container.name}#${action.attempt}`
      : action.do === 'stop'
        ? `stop ${action.container.name}`
        : action.do,
  );
}

const init: Container = { name: 'i', image: 'busybox' };
const sidecar: Container = { name: 's', image: 'busybox', restartPolicy: 'Always' };
const deleted = { deletionTimestamp: '2030-01-01T00:01:30Z', deletionGracePeriodSeconds: 30 };

const cases: readonly (readonly [string, Pod, Observed, readonly string[]])[] = [
  [
    'volumes come first',
    podOf({}),
    { ...prepared, volumes: { at: 'absent' }, sandbox: { at: 'absent' } },
    ['mount-volumes'],
  ],
  ['then the sandbox', podOf({}), { ...prepared, sandbox: { at: 'absent' } }, ['create-sandbox']],
  ['nothing is begun twice', podOf({}), { ...prepared, sandbox: { at: 'doing' } }, []],
  [
    'a failed step waits for its time',
    podOf({}),
    { ...prepared, sandbox: { at: 'failed', reason: 'r', message: 'm', retryAt: NOW + 1 } },
    [],
  ],
  [
    'and is tried again then',
    podOf({}),
    { ...prepared, sandbox: { at: 'failed', reason: 'r', message: 'm', retryAt: NOW } },
    ['create-sandbox'],
  ],
  ['then the container starts', podOf({}), prepared, ['start a#0']],
  ['an init container goes before it', podOf({ initContainers: [init] }), prepared, ['start i#0']],
  [
    'a failed init container is started again before anything else',
    podOf({ initContainers: [init] }),
    withContainers({ i: ended(1) }),
    ['start i#1'],
  ],
  [
    'after a good one the container starts',
    podOf({ initContainers: [init] }),
    withContainers({ i: ended(0) }),
    ['start a#0'],
  ],
  [
    'a sidecar that is not started holds the rest back',
    podOf({ initContainers: [sidecar] }),
    withContainers({ s: { ...running(), started: false } }),
    [],
  ],
  [
    'one that is lets it go on',
    podOf({ initContainers: [sidecar] }),
    withContainers({ s: running() }),
    ['start a#0'],
  ],
  [
    'a container that ended starts again at once the first time',
    podOf({}),
    withContainers({ a: ended(1) }),
    ['start a#1'],
  ],
  [
    'the second time it waits',
    podOf({}),
    withContainers({ a: ended(1, 9000, { backoffLevel: 1, attempt: 1 }) }),
    [],
  ],
  [
    'for ten seconds',
    podOf({}),
    withContainers({ a: ended(1, 10_000, { backoffLevel: 1, attempt: 1 }) }),
    ['start a#2'],
  ],
  [
    'OnFailure leaves a success alone',
    podOf({ restartPolicy: 'OnFailure' }),
    withContainers({ a: ended(0) }),
    ['remove-sandbox'],
  ],
  [
    'Never leaves a failure alone',
    podOf({ restartPolicy: 'Never' }),
    withContainers({ a: ended(1) }),
    ['remove-sandbox'],
  ],
  [
    'an unhealthy container is stopped',
    podOf({}),
    withContainers({ a: { ...running(), unhealthy: { reason: 'sick', graceSeconds: undefined } } }),
    ['stop a'],
  ],
  ['a deleted pod stops its containers', podOf({}, deleted), withContainers({ a: running() }), ['stop a']],
  ['once', podOf({}, deleted), withContainers({ a: { ...running(), stopping: true } }), []],
  ['then its sandbox goes', podOf({}, deleted), withContainers({ a: ended(0) }), ['remove-sandbox']],
  ['then the pod', podOf({}, deleted), withContainers({ a: ended(0) }, { removing: 'done' }), ['finish']],
  ['a deleted pod starts nothing', podOf({}, deleted), prepared, ['remove-sandbox']],
  [
    'a pod that the API forgot ends, too',
    podOf({}),
    withContainers({ a: running() }, { gone: true }),
    ['stop a'],
  ],
  [
    'sidecars are stopped after the containers',
    podOf({ initContainers: [sidecar] }, deleted),
    withContainers({ s: running(), a: running() }),
    ['stop a'],
  ],
  [
    'and when the pod has done its work',
    podOf({ initContainers: [sidecar], restartPolicy: 'Never' }),
    withContainers({ s: running(), a: ended(0) }),
    ['stop s'],
  ],
  [
    'a deadline ends the pod',
    podOf({ activeDeadlineSeconds: 60 }),
    withContainers({ a: running() }),
    ['stop a'],
  ],
  [
    'a pod that others declared failed ends',
    { ...podOf({}), status: { phase: 'Failed' } },
    withContainers({ a: running() }),
    ['stop a'],
  ],
  [
    'containers start one at a time, in order',
    podOf({ containers: [{ name: 'a' }, { name: 'b' }] }),
    prepared,
    ['start a#0'],
  ],
];

for (const [name, pod, observed, expected] of cases) {
  test(`deciding: ${name}`, () => assert.deepEqual(words(pod, observed), expected));
}

test('a back-off says when to look again', () => {
  const observed = withContainers({ a: ended(1, 4000, { backoffLevel: 2, attempt: 2 }) });
  assert.equal(decide(podOf({}), observed, NOW).wakeAt, NOW + 16_000);
});

test('a pod succeeds only when all its containers did', () => {
  const pod = podOf({ restartPolicy: 'Never', containers: [{ name: 'a' }, { name: 'b' }] });
  assert.equal(outcomeOf(pod, withContainers({ a: ended(0), b: running() })), undefined);
  assert.equal(outcomeOf(pod, withContainers({ a: ended(0), b: ended(0) })), 'Succeeded');
  assert.equal(outcomeOf(pod, withContainers({ a: ended(0), b: ended(2) })), 'Failed');
});

function status(pod: Pod, observed: Observed) {
  return podStatus({
    pod,
    observed,
    hostAddresses: ['172.30.0.1'],
    imageIdOf: () => 'builtin://pause',
    now: NOW,
  });
}

const conditions = (pod: Pod, observed: Observed) =>
  Object.fromEntries(status(pod, observed).conditions?.map(each => [each.type, each.status]) ?? []);

test('a running pod is Running and ready, with its addresses in order', () => {
  const seen = status(podOf({}), withContainers({ a: running() }));
  assert.equal(seen.phase, 'Running');
  assert.deepEqual(seen.podIPs, [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }]);
  assert.deepEqual(conditions(podOf({}), withContainers({ a: running() })), {
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    Ready: 'True',
    ContainersReady: 'True',
    PodScheduled: 'True',
  });
});

test('a pod in back-off is Running, not ready, and says how long', () => {
  const observed = withContainers({ a: ended(1, 1000, { backoffLevel: 1, attempt: 1 }) });
  const seen = status(podOf({}), observed);
  const [container] = seen.containerStatuses ?? [];
  assert.equal(seen.phase, 'Running');
  assert.equal(container?.state?.waiting?.reason, 'CrashLoopBackOff');
  assert.equal(container?.state?.waiting?.message, 'back-off 10s restarting failed container=a pod=p_n(u)');
  assert.equal(container?.lastState?.terminated?.exitCode, 1);
  assert.equal(container?.restartCount, 1);
});

test('a pod that waits for its init containers is Pending and initializing', () => {
  const pod = podOf({ initContainers: [init] });
  const seen = status(pod, withContainers({ i: running() }));
  assert.equal(seen.phase, 'Pending');
  assert.equal(seen.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  assert.equal(conditions(pod, withContainers({ i: running() }))['Initialized'], 'False');
});

test('a condition keeps the time of its last transition', () => {
  const before = { type: 'Ready', status: 'True', lastTransitionTime: '2029-01-01T00:00:00Z' } as const;
  const pod: Pod = { ...podOf({}), status: { conditions: [before] } };
  const ready = status(pod, withContainers({ a: running() })).conditions?.find(each => each.type === 'Ready');
  assert.equal(ready?.lastTransitionTime, before.lastTransitionTime);
});

test('a pod past its deadline is Failed with the reason', () => {
  const seen = status(podOf({ activeDeadlineSeconds: 60 }), withContainers({ a: running() }));
  assert.deepEqual([seen.phase, seen.reason], ['Failed', 'DeadlineExceeded']);
});

test('a pod never leaves a final phase, and keeps its addresses when the sandbox is gone', () => {
  const pod: Pod = { ...podOf({}), status: { phase: 'Succeeded', podIPs: [{ ip: '10.0.0.9' }] } };
  const seen = status(pod, { ...prepared, sandbox: { at: 'absent' } });
  assert.deepEqual([seen.phase, seen.podIP], ['Succeeded', '10.0.0.9']);
});
