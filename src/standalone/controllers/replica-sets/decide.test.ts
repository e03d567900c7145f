import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaSet } from '../../../kube/types/apps.ts';
import type { Pod, PodStatus } from '../../../kube/types/core.ts';
import { nextAvailability, plan, statusOf } from './decide.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();

function set(replicas: number, minReadySeconds = 0): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', namespace: 'default', uid: 'rs', generation: 3 },
    spec: {
      replicas,
      minReadySeconds,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web', version: '1' } }, spec: { containers: [] } },
    },
  };
}

interface Sketch {
  readonly node?: string;
  readonly phase?: PodStatus['phase'];
  readonly readyFor?: number;
  readonly terminating?: boolean;
  readonly cost?: string;
  readonly restarts?: number;
  readonly age?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

function pod(name: string, sketch: Sketch = {}): Pod {
  const { node = 'n', phase = 'Running', readyFor, terminating, cost, restarts = 0, age = 100 } = sketch;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      labels: sketch.labels ?? { app: 'web', version: '1' },
      creationTimestamp: at(age),
      ...(terminating === true ? { deletionTimestamp: at(0) } : {}),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
    status: {
      phase,
      containerStatuses: [{ name: 'c', image: 'x', imageID: 'x', ready: true, restartCount: restarts }],
      conditions:
        readyFor === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: at(readyFor) }],
    },
  };
}

function planned(
  wanted: ReplicaSet,
  pods: readonly Pod[],
  more: { unseen?: number; deleted?: string[] } = {},
) {
  const { create, remove } = plan({
    set: wanted,
    pods,
    unseenCreations: more.unseen ?? 0,
    deleted: new Set(more.deleted),
    neighbours: each => pods.filter(other => other.spec.nodeName === each.spec.nodeName).length,
    now: NOW,
  });
  return { create, remove: remove.map(each => each.metadata.name) };
}

test('missing pods are created; ended and terminating ones do not count', () => {
  const pods = [pod('runs'), pod('ended', { phase: 'Failed' }), pod('goes', { terminating: true })];
  assert.deepEqual(planned(set(3), pods), { create: 2, remove: [] });
});

test('what was created and is not seen yet is not created again', () => {
  assert.deepEqual(planned(set(3), [pod('runs')], { unseen: 2 }), { create: 0, remove: [] });
});

test('what was deleted and is still shown is not deleted again, and not counted', () => {
  const pods = [pod('a'), pod('b'), pod('c')];
  assert.deepEqual(planned(set(2), pods, { deleted: ['c'] }), { create: 0, remove: [] });
  assert.deepEqual(planned(set(3), pods, { deleted: ['c'] }), { create: 1, remove: [] });
});

test('a set that is being deleted is left to garbage collection', () => {
  const going = { ...set(3), metadata: { ...set(3).metadata, deletionTimestamp: at(0) } };
  assert.deepEqual(planned(going, [pod('a')]), { create: 0, remove: [] });
});

test('a mistaken count does not flood the cluster at once', () => {
  assert.equal(planned(set(1_000_000), []).create, 500);
});

/** In each row the first pod is deleted before the second. */
const order: readonly (readonly [rule: string, first: Sketch, second: Sketch])[] = [
  ['without a node before with one', { node: '', readyFor: 50 }, {}],
  ['pending before running', { phase: 'Pending' }, {}],
  ['not ready before ready', {}, { readyFor: 50 }],
  ['cheap before costly', { readyFor: 5000, cost: '-5' }, { readyFor: 1, cost: '10' }],
  ['a malformed cost counts as none', { readyFor: 5000, cost: '-5' }, { readyFor: 1, cost: '-05' }],
  ['ready for a short time before long', { readyFor: 2 }, { readyFor: 5000 }],
  ['many restarts before few', { readyFor: 50, restarts: 9 }, { readyFor: 50, restarts: 1 }],
  ['young before old', { age: 2 }, { age: 5000 }],
];
for (const [rule, first, second] of order) {
  test(`scaling down deletes ${rule}`, () => {
    for (const pods of [
      [pod('first', first), pod('second', second)],
      [pod('second', second), pod('first', first)],
    ]) {
      assert.deepEqual(planned(set(1), pods).remove, ['first']);
    }
  });
}

test('scaling down empties the crowded node first', () => {
  const ready = { readyFor: 100 };
  const pods = [
    pod('a', { ...ready, node: 'x' }),
    pod('b', { ...ready, node: 'y' }),
    pod('c', { ...ready, node: 'y' }),
  ];
  assert.ok(planned(set(2), pods).remove.every(name => name !== 'a'));
});

test('the status counts active, labelled, ready and available pods', () => {
  const pods = [
    pod('available', { readyFor: 60 }),
    pod('ready', { readyFor: 5 }),
    pod('other-version', { labels: { app: 'web', version: '2' } }),
    pod('ended', { phase: 'Succeeded' }),
  ];
  assert.deepEqual(statusOf(set(3, 30), pods, undefined, NOW), {
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 1,
    observedGeneration: 3,
  });
  assert.equal(nextAvailability(set(3, 30), pods, NOW), 25_000, 'the second one in 25 s');
});

test('a failure stands as a condition until a pass succeeds, and is not rewritten by every retry', () => {
  const failed = statusOf(set(1), [], { reason: 'FailedCreate', message: 'no (1)' }, NOW);
  assert.equal(failed.conditions?.[0]?.message, 'no (1)');
  const retried = statusOf(
    { ...set(1), status: failed },
    [],
    { reason: 'FailedCreate', message: 'no (2)' },
    NOW,
  );
  assert.deepEqual(retried, failed);
  assert.equal(statusOf({ ...set(1), status: failed }, [], undefined, NOW).conditions, undefined);
});
