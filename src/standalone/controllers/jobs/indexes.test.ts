import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIndexes, parseIndexes } from './indexes.ts';

const cases: readonly (readonly [readonly number[], string])[] = [
  [[], ''],
  [[0], '0'],
  [[0, 1], '0,1'],
  [[0, 1, 2], '0-2'],
  [[7, 0, 2, 3, 4, 9, 8], '0,2-4,7-9'],
];

for (const [indexes, text] of cases) {
  test(`the indexes ${JSON.stringify(indexes)} are written "${text}" and read again`, () => {
    assert.equal(formatIndexes(indexes), text);
    assert.deepEqual(
      [...parseIndexes(text, 10)],
      indexes.toSorted((a, b) => a - b),
    );
  });
}

test('indexes beyond the completions and broken text are left out', () => {
  assert.deepEqual([...parseIndexes('1,x,3-1000000000,5', 6)], [1, 5]);
  assert.deepEqual([...parseIndexes('2-9', 4)], [2, 3]);
});
