import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from './batch.ts';

test('what is asked for during earlier work is done together, in order and in bounded portions', async () => {
  const portions: (readonly number[])[] = [];
  const batch = new Batch<number, number>(items => {
    portions.push(items);
    return Promise.resolve(items.map(item => ({ result: 2 * item })));
  }, 3);
  const results = await Promise.all([1, 2, 3, 4, 5].map(item => batch.add(item)));
  assert.deepEqual(results, [2, 4, 6, 8, 10]);
  assert.deepEqual(portions, [[1], [2, 3, 4], [5]]);
  assert.equal(await batch.add(6), 12, 'and begins again after a pause');
});

test('an item that fails does not harm the others, and a failure of the work is told to all of it', async () => {
  const batch = new Batch<string, string>(items => {
    if (items.includes('thrown')) return Promise.reject(new Error('all of it'));
    return Promise.resolve(
      items.map(item => (item === 'bad' ? { error: new Error(item) } : { result: item })),
    );
  }, 2);
  const settled = await Promise.allSettled(
    ['first', 'bad', 'good', 'thrown', 'beside'].map(item => batch.add(item)),
  );
  const told = settled.map(one => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message));
  assert.deepEqual(told, ['first', 'bad', 'good', 'all of it', 'all of it']);
});
