import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, humanDuration } from './duration.ts';

test('ages read as kubectl prints them', () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const cases: readonly (readonly [number, string])[] = [
    [-5 * second, '<invalid>'],
    [-1 * second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 10 * second, '5m10s'],
    [10 * minute + 59 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 59 * minute, '7h59m'],
    [8 * hour + 30 * minute, '8h'],
    [47 * hour, '47h'],
    [48 * hour, '2d'],
    [2 * day + 5 * hour, '2d5h'],
    [8 * day + 5 * hour, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [800 * day, '2y70d'],
    [9 * 365 * day, '9y'],
  ];
  for (const [milliseconds, text] of cases) assert.equal(humanDuration(milliseconds), text);
});

test('what never happened has no age', () => {
  assert.equal(age(undefined, 0), '<unknown>');
  assert.equal(age('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:05Z')), '5s');
});
