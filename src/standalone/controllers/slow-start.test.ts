import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowStart } from './slow-start.ts';

test('everything is attempted when all goes well, in growing batches', async () => {
  let running = 0;
  const batches: number[] = [];
  const error = await slowStart(10, async () => {
    running++;
    await Promise.resolve();
    if (running > 0) batches.push(running);
    running = 0;
  });
  assert.equal(error, undefined);
  assert.deepEqual(
    batches.filter(size => size > 0),
    [1, 2, 4, 3],
  );
});

test('a failure stops what follows its batch', async () => {
  let attempts = 0;
  const error = await slowStart(100, () => {
    attempts++;
    return attempts === 3 ? Promise.reject(new Error('quota')) : Promise.resolve();
  });
  assert.equal(error?.message, 'quota');
  assert.equal(attempts, 3, 'one, then two');
});
