import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../../kube/types/coordination.ts';
import type { Node, NodeCondition, Taint } from '../../../kube/types/core.ts';
import { assess, isWell } from './decide.ts';
import type { Assessment, NodeView } from './decide.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();

interface Sketch {
  readonly conditions?: readonly NodeCondition[];
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly renewed?: number;
}

const condition = (type: string, status: NodeCondition['status']): NodeCondition => ({ type, status });

function assessed(sketch: Sketch, view: Partial<NodeView> = {}): Assessment {
  const { conditions = [condition('Ready', 'True')], taints, unschedulable, renewed } = sketch;
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', creationTimestamp: at(10_000) },
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
    status: { conditions },
  };
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'n' },
    spec: { renewTime: at(renewed ?? 5) },
  };
  return assess({ node, lease, watchingSince: NOW - 1_000_000, someWell: true, now: NOW, ...view });
}

const taints = (found: Assessment) => found.taints.map(taint => `${taint.key}:${taint.effect}`);
const statusOf = (found: Assessment, type: string) =>
  found.conditions.find(each => each.type === type)?.status;

test('a node that renewed its lease lately is left alone, and looked at when it would be late', () => {
  const found = assessed({ renewed: 10 });
  assert.deepEqual(taints(found), []);
  assert.equal(statusOf(found, 'Ready'), 'True');
  assert.equal(found.again, 30_001);
  assert.equal(found.lost, false);
});

test('a node that was silent for more than 40 s is unknown and unreachable', () => {
  const found = assessed({
    renewed: 41,
    conditions: [condition('Ready', 'True'), condition('NetworkUnavailable', 'False')],
  });
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    assert.equal(statusOf(found, type), 'Unknown', type);
  }
  assert.equal(statusOf(found, 'NetworkUnavailable'), 'False', 'what others tell stays');
  assert.deepEqual(taints(found), [
    'node.kubernetes.io/unreachable:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ]);
  assert.ok(found.taints.every(taint => taint.timeAdded === '2026-01-01T12:00:00Z'));
  assert.ok(found.lost);
  assert.equal(found.again, undefined);
});

test('silence counts from when this process began to watch: nobody could renew while the API was away', () => {
  const found = assessed({ renewed: 4000 }, { watchingSince: NOW - 10_000 });
  assert.equal(statusOf(found, 'Ready'), 'True');
  assert.equal(found.again, 30_001);
});

test('a heartbeat in the status counts where there is no lease', () => {
  const conditions = [{ ...condition('Ready', 'True'), lastHeartbeatTime: at(5) }];
  assert.equal(statusOf(assessed({ conditions, renewed: 4000 }), 'Ready'), 'True');
});

test('when no node is ready, none is told to evict and no pod is taken for lost', () => {
  const found = assessed({ renewed: 41 }, { someWell: false });
  assert.deepEqual(taints(found), ['node.kubernetes.io/unreachable:NoSchedule']);
  assert.equal(found.lost, false);
});

test('a node is well while it is ready and heard of', () => {
  const node = (ready: 'True' | 'False'): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n' },
    status: { conditions: [condition('Ready', ready)] },
  });
  const pulse = { lease: undefined, watchingSince: NOW, now: NOW };
  assert.ok(isWell({ ...pulse, node: node('True') }));
  assert.ok(!isWell({ ...pulse, node: node('False') }));
  assert.ok(!isWell({ ...pulse, node: node('True'), now: NOW + 40_001 }), 'the condition is out of date');
});

test('a second look at an unknown node changes nothing', () => {
  const first = assessed({ renewed: 41 });
  const second = assessed({ renewed: 41, conditions: first.conditions, taints: first.taints });
  assert.equal(second.conditions, first.conditions);
  assert.equal(second.taints, first.taints);
});

const rows: readonly (readonly [state: string, sketch: Sketch, taints: readonly string[]])[] = [
  ['has not reported yet', { conditions: [] }, ['node.kubernetes.io/not-ready:NoSchedule']],
  [
    'says that it is not ready',
    { conditions: [condition('Ready', 'False')] },
    ['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute'],
  ],
  ['is cordoned', { unschedulable: true }, ['node.kubernetes.io/unschedulable:NoSchedule']],
  [
    'runs out of memory',
    { conditions: [condition('Ready', 'True'), condition('MemoryPressure', 'True')] },
    ['node.kubernetes.io/memory-pressure:NoSchedule'],
  ],
  [
    'has no network',
    { conditions: [condition('Ready', 'True'), condition('NetworkUnavailable', 'True')] },
    ['node.kubernetes.io/network-unavailable:NoSchedule'],
  ],
  [
    'is well again',
    { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: at(9) }] },
    [],
  ],
  [
    'has a taint of its owner',
    { taints: [{ key: 'mine', effect: 'NoSchedule' }], unschedulable: true },
    ['mine:NoSchedule', 'node.kubernetes.io/unschedulable:NoSchedule'],
  ],
];
for (const [state, sketch, expected] of rows) {
  test(`taints of a node that ${state}`, () => assert.deepEqual(taints(assessed(sketch)), expected));
}

test('a NoExecute taint without a date gets one, once', () => {
  const first = assessed({ taints: [{ key: 'mine', effect: 'NoExecute' }] });
  assert.deepEqual(first.taints, [{ key: 'mine', effect: 'NoExecute', timeAdded: '2026-01-01T12:00:00Z' }]);
  assert.equal(assessed({ taints: first.taints }).taints, first.taints);
});
