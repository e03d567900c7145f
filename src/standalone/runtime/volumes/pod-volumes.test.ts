import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryBytes } from './pod-volumes.ts';

test('an emptyDir in memory is never without a limit', () => {
  const sizes = [undefined, '0', '-1', '500m', '1500m', '1Mi', 'much'].map(memoryBytes);
  assert.deepEqual(sizes, [256n << 20n, 256n << 20n, 256n << 20n, 1n, 2n, 1n << 20n, 256n << 20n]);
});
