import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barsOf, median, percentile, rowOf } from './result.ts';

test('a row shows the median of each side and their ratio', () => {
  const row = rowOf('ADD', 'ms', [9, 5, 7], { version: '1.9.1', samples: [10, 14, 12] });
  assert.deepEqual(row, {
    name: 'ADD',
    ours: 7,
    peer: 12,
    peerVersion: '1.9.1',
    ratio: 0.5833,
    unit: 'ms',
    samples: 3,
  });
});

test('a row without a peer says so', () => {
  const { peer, peerVersion, ratio } = rowOf('up', 's', [4]);
  assert.deepEqual([peer, peerVersion, ratio], [null, null, null]);
});

test('a bar holds at its limit, fails beyond it, and is absent when its row was not measured', () => {
  const rows = [rowOf('a', 's', [8]), rowOf('b', 's', [8.1])];
  const bars = ['a', 'b', 'c'].map(row => ({ name: row, row, of: 'ours' as const, atMost: 8 }));
  assert.deepEqual(
    barsOf(bars, rows).map(({ name, bar, holds }) => [name, bar, holds]),
    [
      ['a', '<= 8', true],
      ['b', '<= 8', false],
    ],
  );
});

test('percentiles are values that were measured', () => {
  const samples = [4, 1, 3, 2];
  assert.equal(median(samples), 2);
  assert.equal(percentile(samples, 0.99), 4);
  assert.equal(percentile(samples, 0), 1);
});
