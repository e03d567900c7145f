import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, DeploymentStatus, ReplicaSet, ReplicaSetStatus } from '../../../kube/types/apps.ts';
import { isComplete, statusOf, untilDeadline } from './status.ts';
import type { Progress } from './status.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString().replace('.000', '');

function deployment(spec: Partial<Deployment['spec']> = {}, status: DeploymentStatus = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', uid: 'd', generation: 2 },
    spec: { replicas: 4, selector: {}, template: { spec: { containers: [] } }, ...spec },
    status,
  };
}

function set(name: string, replicas: number, status: Partial<ReplicaSetStatus> = {}): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name },
    spec: { replicas, selector: {} },
    status: { replicas, ...status },
  };
}

const ready = (count: number) => ({ readyReplicas: count, availableReplicas: count });

function status(
  of: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[] = [],
  progress?: Progress,
): DeploymentStatus {
  return statusOf({ deployment: of, current, old, progress, now: NOW });
}

const reasonOf = (found: DeploymentStatus, type: string) => {
  const condition = found.conditions?.find(each => each.type === type);
  return condition === undefined ? undefined : `${condition.status} ${condition.reason ?? ''}`;
};

const progressing = (reason: string, secondsAgo: number, state: 'True' | 'False' = 'True') => ({
  conditions: [
    {
      type: 'Progressing',
      status: state,
      reason,
      lastUpdateTime: at(secondsAgo),
      lastTransitionTime: at(secondsAgo),
    },
  ],
});

test('the counts are those that kubectl rollout status reads', () => {
  const found = status(deployment(), set('new', 2, ready(1)), [set('old', 3, ready(3))]);
  assert.equal(found.observedGeneration, 2);
  assert.equal(found.replicas, 5);
  assert.equal(found.updatedReplicas, 2);
  assert.equal(found.readyReplicas, 4);
  assert.equal(found.availableReplicas, 4);
  assert.equal(found.unavailableReplicas, 1);
});

test('a Deployment is available while no more pods are missing than may be', () => {
  assert.equal(
    reasonOf(status(deployment(), set('new', 4, ready(3))), 'Available'),
    'True MinimumReplicasAvailable',
  );
  assert.equal(
    reasonOf(status(deployment(), set('new', 4, ready(2))), 'Available'),
    'False MinimumReplicasUnavailable',
  );
  const recreate = deployment({ strategy: { type: 'Recreate' } });
  assert.equal(
    reasonOf(status(recreate, set('new', 4, ready(3))), 'Available'),
    'False MinimumReplicasUnavailable',
  );
});

const cases: readonly (readonly [what: string, found: DeploymentStatus, reason: string | undefined])[] = [
  [
    'a set was just created',
    status(deployment(), undefined, [], { kind: 'created', set: 'new' }),
    'True NewReplicaSetCreated',
  ],
  [
    'a set could not be created',
    status(deployment(), undefined, [], { kind: 'create-failed', message: 'no' }),
    'False ReplicaSetCreateError',
  ],
  [
    'an existing set fits, and nothing moved yet',
    status(deployment(), set('new', 0)),
    'True FoundNewReplicaSet',
  ],
  [
    'pods were added',
    status(deployment({}, progressing('NewReplicaSetCreated', 5)), set('new', 1)),
    'True ReplicaSetUpdated',
  ],
  [
    'everything is there',
    status(deployment({}, progressing('ReplicaSetUpdated', 5)), set('new', 4, ready(4))),
    'True NewReplicaSetAvailable',
  ],
  [
    'a finished rollout loses a pod long after',
    status(deployment({}, progressing('NewReplicaSetAvailable', 5000)), set('new', 4, ready(1))),
    'True NewReplicaSetAvailable',
  ],
  [
    'nothing moved for longer than the deadline',
    status(
      deployment(
        { progressDeadlineSeconds: 60 },
        { updatedReplicas: 2, replicas: 2, ...progressing('ReplicaSetUpdated', 61) },
      ),
      set('new', 2),
    ),
    'False ProgressDeadlineExceeded',
  ],
  [
    'nothing moved, but the deadline is not reached',
    status(
      deployment(
        { progressDeadlineSeconds: 60 },
        { updatedReplicas: 2, replicas: 2, ...progressing('ReplicaSetUpdated', 59) },
      ),
      set('new', 2),
    ),
    'True ReplicaSetUpdated',
  ],
  [
    'a stuck rollout moves again',
    status(
      deployment({}, { updatedReplicas: 1, ...progressing('ProgressDeadlineExceeded', 9, 'False') }),
      set('new', 2),
    ),
    'True ReplicaSetUpdated',
  ],
  ['it is paused', status(deployment({ paused: true }), set('new', 4)), 'Unknown DeploymentPaused'],
  [
    'there is no deadline',
    status(
      deployment({ progressDeadlineSeconds: 2_147_483_647 }, progressing('ReplicaSetUpdated', 9)),
      set('new', 1),
    ),
    undefined,
  ],
];
for (const [what, found, reason] of cases) {
  test(`progress: ${what}`, () => assert.equal(reasonOf(found, 'Progressing'), reason));
}

test('progress moves the time from which the deadline counts, not the time of the transition', () => {
  const found = status(deployment({}, progressing('ReplicaSetUpdated', 500)), set('new', 1));
  const condition = found.conditions?.find(each => each.type === 'Progressing');
  assert.equal(condition?.lastUpdateTime, at(0));
  assert.equal(condition.lastTransitionTime, at(500));
});

test('what a set cannot do is told on the Deployment', () => {
  const conditions = [
    { type: 'ReplicaFailure', status: 'True' as const, reason: 'FailedCreate', message: 'quota' },
  ];
  const found = status(deployment(), set('new', 4, { conditions }));
  assert.equal(reasonOf(found, 'ReplicaFailure'), 'True FailedCreate');
  const healed = status(deployment({}, found), set('new', 4));
  assert.equal(reasonOf(healed, 'ReplicaFailure'), undefined);
});

test('an unchanged state gives an equal status, so that nothing is written', () => {
  const of = deployment({}, progressing('ReplicaSetUpdated', 5));
  const once = status(of, set('new', 2, ready(1)), [set('old', 2, ready(2))]);
  const twice = status({ ...of, status: once }, set('new', 2, ready(1)), [set('old', 2, ready(2))]);
  assert.deepEqual(twice, once);
});

test('the deadline is looked at when it is due, and not at all when nothing is under way', () => {
  const waiting = deployment({ progressDeadlineSeconds: 60 }, progressing('ReplicaSetUpdated', 20));
  assert.equal(untilDeadline(waiting, waiting.status ?? {}, NOW), 41_000);
  const done = status(waiting, set('new', 4, ready(4)));
  assert.ok(isComplete(waiting, done));
  assert.equal(untilDeadline(waiting, done, NOW), undefined);
});
