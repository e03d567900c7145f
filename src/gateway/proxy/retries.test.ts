import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Retries } from './retries.ts';

test('tries are as many as the route says, at least its pause apart, and ever further', () => {
  const retries = new Retries({ codes: [503], attempts: 3, backoff: 100 });
  assert.deepEqual(
    [0, 2, 3].map(done => retries.isLeft(done)),
    [true, true, false],
  );
  assert.deepEqual(
    [0, 1, 2].map(done => retries.pause(done, 0)),
    [100, 200, 400],
  );
  assert.equal(retries.pause(0, 0.999) < 150, true);
  assert.deepEqual(
    [500, 503].map(status => retries.isForStatus(status)),
    [false, true],
  );
});

test('a pause is never shorter than the route says, however long that is', () => {
  assert.equal(new Retries({ codes: [], backoff: 60_000 }).pause(5, 0), 60_000);
  assert.equal(new Retries({ codes: [], backoff: 1000 }).pause(20, 0), 10_000);
  const most = 2 ** 31 - 1;
  assert.equal(
    new Retries({ codes: [], backoff: most }).pause(0, 0.9),
    most,
    'a timer of more would end at once',
  );
});

test('none are none', () => {
  assert.equal(new Retries({ codes: [500], attempts: 0 }).isLeft(0), false);
});
