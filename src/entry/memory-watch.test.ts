import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloodWatch } from './memory-watch.ts';

const megabytes = (count: number): number => count << 20;

test('memory is given back once, when it has grown much and grows no more', () => {
  const watch = new FloodWatch();
  const asked = [80, 90, 150, 220, 220].map(count => watch.look(megabytes(count)));
  assert.deepEqual(asked, [false, false, false, false, true]);
  watch.released(megabytes(200)); // it is in use
  assert.equal(watch.look(megabytes(210)), false);
  assert.equal(watch.look(megabytes(210)), false, 'a little more is not worth it');
});

test('after memory has gone back, the next flood counts from there', () => {
  const watch = new FloodWatch();
  assert.equal(watch.look(megabytes(200)), false);
  assert.equal(watch.look(megabytes(100)), false);
  assert.equal(watch.look(megabytes(140)), false, 'it still grows');
  assert.equal(watch.look(megabytes(140)), true);
});
