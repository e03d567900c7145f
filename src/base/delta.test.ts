import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diff, isEmpty } from './delta.ts';
import type { Delta } from './delta.ts';

const anyMap = fc
  .array(fc.tuple(fc.string({ maxLength: 2 }), fc.option(fc.nat(3), { nil: undefined })))
  .map(entries => new Map(entries));

function apply<K, V>(actual: ReadonlyMap<K, V>, delta: Delta<K, V>): Map<K, V> {
  const result = new Map(actual);
  for (const key of delta.remove) assert.ok(result.delete(key), 'only what is there is removed');
  for (const [key, value] of delta.add) {
    assert.ok(!result.has(key), 'only what is missing is added');
    result.set(key, value);
  }
  for (const [key, value] of delta.change) {
    assert.notEqual(result.get(key), value, 'only what differs is changed');
    result.set(key, value);
  }
  return result;
}

test('applying the difference of two maps to the first gives the second, and nothing is touched twice', () => {
  fc.assert(
    fc.property(anyMap, anyMap, (actual, desired) => {
      assert.deepEqual(apply(actual, diff(actual, desired, Object.is)), desired);
    }),
  );
});

test('equal maps differ by nothing', () => {
  fc.assert(fc.property(anyMap, map => assert.ok(isEmpty(diff(map, new Map(map), Object.is)))));
});
