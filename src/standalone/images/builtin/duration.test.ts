import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from './duration.ts';

const cases: readonly (readonly [string, number | undefined])[] = [
  ['0', 0],
  ['1s', 1000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['1h2m3s', 3_723_000],
  ['300ms', 300],
  ['-2m', -120_000],
  ['250us', 0.25],
  ['', undefined],
  ['1', undefined],
  ['s', undefined],
  ['1 s', undefined],
  ['1d', undefined],
  ['1s1', undefined],
];

for (const [text, expected] of cases) {
  test(`the duration "${text}" is ${expected === undefined ? 'none' : `${expected} ms`}`, () => {
    assert.equal(parseDuration(text), expected);
  });
}
