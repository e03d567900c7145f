import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scaledValue } from './int-or-string.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from './quantity.ts';

test('quantities are read as the API server reads them', () => {
  const bytes: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['1', 1],
    ['1Ki', 1024],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['128974848', 128974848],
    ['129e6', 129e6],
    ['129M', 129e6],
    ['123Mi', 123 * 2 ** 20],
    ['1E3', 1000],
    ['1E', 1e18],
    ['.5', 1],
    ['5.', 5],
    ['-1.5', -1],
    ['100m', 1],
    ['1n', 1],
  ];
  for (const [text, value] of bytes) assert.equal(quantityValue(text), value, text);
  assert.equal(quantityMilliValue('100m'), 100);
  assert.equal(quantityMilliValue('0.1'), 100);
  assert.equal(quantityMilliValue(2), 2000);
  assert.equal(quantityMilliValue('1u'), 1);
});

test('what is no quantity is refused', () => {
  for (const text of [
    '',
    '.',
    '1 Gi',
    '1gi',
    '1K',
    '1mi',
    '--1',
    '1e',
    '0x1',
    '1Gi ',
    '1,5',
    'NaN',
    '1e9999',
  ]) {
    assert.equal(parseQuantity(text), undefined, text);
  }
});

test('a thousand of a unit is one of the next', () => {
  const steps = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(steps.length - 2), (count, step) => {
      assert.equal(parseQuantity(`${count}000${steps[step]}`), parseQuantity(`${count}${steps[step + 1]}`));
    }),
  );
});

test('a percentage is rounded the way that is asked for', () => {
  assert.equal(scaledValue(3, 10, 'up'), 3);
  assert.equal(scaledValue('25%', 10, 'up'), 3);
  assert.equal(scaledValue('25%', 10, 'down'), 2);
  assert.equal(scaledValue('a few', 10, 'down'), undefined);
});
