import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../kube/types/core.ts';
import type { PodDisruptionBudget } from '../../../kube/types/disruption.ts';
import { statusOf } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

function pod(name: string, isReady: boolean): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}

const pods = (ready: number, unready = 0) => [
  ...Array.from({ length: ready }, (_, index) => pod(`ready-${index}`, true)),
  ...Array.from({ length: unready }, (_, index) => pod(`unready-${index}`, false)),
];

const budget = (
  spec: PodDisruptionBudget['spec'],
  disruptedPods?: Readonly<Record<string, string>>,
): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'b', namespace: 'default', generation: 2 },
  spec,
  status: {
    currentHealthy: 0,
    desiredHealthy: 0,
    disruptionsAllowed: 0,
    expectedPods: 0,
    ...(disruptedPods === undefined ? {} : { disruptedPods }),
  },
});

const cases = [
  { spec: { minAvailable: 2 }, ready: 3, expected: undefined, allowed: 1, desired: 2 },
  { spec: { minAvailable: 2 }, ready: 2, expected: undefined, allowed: 0, desired: 2 },
  { spec: { minAvailable: '50%' }, ready: 3, expected: 3, allowed: 1, desired: 2 },
  { spec: { maxUnavailable: 1 }, ready: 3, expected: 3, allowed: 1, desired: 2 },
  { spec: { maxUnavailable: 1 }, ready: 2, expected: 3, allowed: 0, desired: 2 },
  { spec: { maxUnavailable: '34%' }, ready: 3, expected: 3, allowed: 2, desired: 1 },
  { spec: { maxUnavailable: 0 }, ready: 3, expected: 3, allowed: 0, desired: 3 },
  { spec: { maxUnavailable: 1 }, ready: 3, expected: undefined, allowed: 0, desired: 4 },
] as const;

for (const { spec, ready, expected, allowed, desired } of cases) {
  test(`${JSON.stringify(spec)} with ${ready} of ${expected ?? 'unknown'} ready allows ${allowed}`, () => {
    const status = statusOf({ budget: budget(spec), pods: pods(ready, 1), expected, now: NOW });
    assert.equal(status.disruptionsAllowed, allowed);
    assert.equal(status.desiredHealthy, desired);
    assert.equal(status.currentHealthy, ready);
    assert.equal(status.observedGeneration, 2);
    assert.equal(status.conditions?.[0]?.status, allowed > 0 ? 'True' : 'False');
  });
}

test('a pod whose eviction was allowed is not healthy any more, for two minutes or until it goes', () => {
  const spec = { minAvailable: 1 };
  const view = (disrupted: Readonly<Record<string, string>>) =>
    statusOf({ budget: budget(spec, disrupted), pods: pods(2), expected: undefined, now: NOW });
  const recent = view({ 'ready-0': '2026-01-01T00:09:00Z', gone: '2026-01-01T00:09:00Z' });
  assert.deepEqual(recent.disruptedPods, { 'ready-0': '2026-01-01T00:09:00Z' });
  assert.equal(recent.disruptionsAllowed, 0);
  const late = view({ 'ready-0': '2026-01-01T00:07:00Z' });
  assert.equal(late.disruptedPods, undefined);
  assert.equal(late.disruptionsAllowed, 1);
});
