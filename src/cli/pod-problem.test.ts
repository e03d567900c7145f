import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../kube/types/pod.ts';
import { problemOf } from './pod-problem.ts';

const pod = (status: unknown, nodeName?: string): Pod =>
  // Only what the sentence is made of.
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { nodeName, containers: [] },
    status,
  }) as unknown as Pod;

const cases: readonly (readonly [string, Pod, string | undefined, boolean])[] = [
  [
    'ready',
    pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, 'n'),
    undefined,
    false,
  ],
  ['done', pod({ phase: 'Succeeded' }, 'n'), undefined, false],
  [
    'without a node',
    pod({
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }],
    }),
    'has no node: 0/3 nodes are available',
    false,
  ],
  [
    'with an unknown image',
    pod(
      {
        phase: 'Pending',
        containerStatuses: [
          {
            name: 'c',
            restartCount: 0,
            state: { waiting: { reason: 'ErrImagePull', message: 'no program for x' } },
          },
        ],
      },
      'n',
    ),
    'container c: ErrImagePull, no program for x',
    true,
  ],
  [
    'that crashes',
    pod(
      {
        phase: 'Running',
        containerStatuses: [
          {
            name: 'c',
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 2 } },
          },
        ],
      },
      'n',
    ),
    'container c: CrashLoopBackOff, its last run ended with exit code 2, restarted 3 times',
    false,
  ],
  ['that starts', pod({ phase: 'Pending' }, 'node-1'), 'is being started on node-1', false],
  ['that failed', pod({ phase: 'Failed', message: 'Evicted' }, 'n'), 'failed: Evicted', true],
];

for (const [name, object, text, hopeless] of cases) {
  test(`a pod ${name} says ${text ?? 'nothing'}`, () => {
    assert.deepEqual(problemOf(object), text === undefined ? undefined : { text, hopeless });
  });
}
