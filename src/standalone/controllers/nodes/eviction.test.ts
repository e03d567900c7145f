import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Taint, Toleration } from '../../../kube/types/core.ts';
import { evictionTime } from './eviction.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();

const UNREACHABLE: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: at(100) };
const OWN: Taint = { key: 'mine', value: 'x', effect: 'NoExecute', timeAdded: at(100) };

/** Seconds from now. */
function leaves(taints: readonly Taint[], tolerations?: readonly Toleration[]): number | undefined {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [], ...(tolerations === undefined ? {} : { tolerations }) },
  };
  const time = evictionTime(pod, taints, NOW);
  return time === undefined ? undefined : (time - NOW) / 1000;
}

const rows: readonly (readonly [
  behaviour: string,
  taints: readonly Taint[],
  tolerations: readonly Toleration[] | undefined,
  seconds: number | undefined,
])[] = [
  ['no taint, no eviction', [], undefined, undefined],
  ['NoSchedule evicts nobody', [{ ...OWN, effect: 'NoSchedule' }], undefined, undefined],
  ['an untolerated taint evicts since it was added', [OWN], undefined, -100],
  ['a lost node is tolerated for five minutes by default', [UNREACHABLE], undefined, 200],
  [
    'a pod may say otherwise',
    [UNREACHABLE],
    [{ key: UNREACHABLE.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 110 }],
    10,
  ],
  ['also for ever', [UNREACHABLE], [{ key: UNREACHABLE.key, operator: 'Exists' }], undefined],
  [
    'or not at all',
    [UNREACHABLE],
    [{ key: UNREACHABLE.key, operator: 'Exists', tolerationSeconds: -1 }],
    -100,
  ],
  ['tolerating everything is tolerating for ever', [UNREACHABLE, OWN], [{ operator: 'Exists' }], undefined],
  [
    'the earliest of several taints counts',
    [UNREACHABLE, OWN],
    [{ key: 'mine', operator: 'Equal', value: 'x', tolerationSeconds: 150 }],
    50,
  ],
  ['another value is not tolerated', [OWN], [{ key: 'mine', operator: 'Equal', value: 'y' }], -100],
];
for (const [behaviour, taints, tolerations, seconds] of rows) {
  test(`eviction: ${behaviour}`, () => assert.equal(leaves(taints, tolerations), seconds));
}
