import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../kube/types/core.ts';
import { QUARANTINE_MILLISECONDS, judge, surplusTerminated } from './decide.ts';

function pod(
  name: string,
  nodeName?: string,
  more: { phase?: 'Failed'; deleting?: boolean; created?: string } = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(more.deleting === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
      ...(more.created === undefined ? {} : { creationTimestamp: more.created }),
    },
    spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
    ...(more.phase === undefined ? {} : { status: { phase: more.phase } }),
  };
}

const there = { nodeExists: true, nodeWasDeleted: false, missingSince: 0, now: 1_000_000 };
const missing = { ...there, nodeExists: false };

test('a pod on a node that is there stays', () => {
  assert.equal(judge(pod('p', 'n'), there).kind, 'keep');
});

test('a pod on a node that was deleted goes at once', () => {
  assert.equal(
    judge(pod('p', 'n'), { ...missing, nodeWasDeleted: true, missingSince: 1_000_000 }).kind,
    'remove',
  );
});

test('a pod on a node that nobody has seen waits for it', () => {
  assert.deepEqual(judge(pod('p', 'n'), { ...missing, missingSince: 990_000 }), {
    kind: 'wait',
    milliseconds: QUARANTINE_MILLISECONDS - 10_000,
  });
  assert.equal(
    judge(pod('p', 'n'), { ...missing, missingSince: 1_000_000 - QUARANTINE_MILLISECONDS }).kind,
    'remove',
  );
});

test('a pod without a node stays, unless it is being deleted: then nobody would end it', () => {
  assert.equal(judge(pod('p'), missing).kind, 'keep');
  assert.equal(judge(pod('p', undefined, { deleting: true }), missing).kind, 'remove');
});

test('the oldest ended pods go when there are too many', () => {
  const ended = [3, 1, 2].map(day =>
    pod(`day-${day}`, 'n', { phase: 'Failed', created: `2026-01-0${day}T00:00:00Z` }),
  );
  const names = surplusTerminated([...ended, pod('runs', 'n')], 1).map(each => each.metadata.name);
  assert.deepEqual(names, ['day-1', 'day-2']);
  assert.deepEqual(surplusTerminated(ended, 3), []);
});
