import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('sleeping for longer than a timer can count is not over at once', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const days = 60 * 24 * 3600 * 1000;
  let awake = false;
  const sleeping = systemClock.sleep(days).then(() => (awake = true));
  t.mock.timers.tick(2 ** 31 - 1);
  t.mock.timers.tick(2 ** 31 - 1);
  await Promise.resolve();
  assert.equal(awake, false);
  t.mock.timers.tick(days - 2 * (2 ** 31 - 1));
  await sleeping;
});

test('a sleeper that is called off wakes with the reason and leaves no listener', async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  const reason = new Error('no longer needed');
  stop.abort(reason);
  await assert.rejects(sleeping, error => error === reason);
  await assert.rejects(systemClock.sleep(60_000, stop.signal), error => error === reason);
  const { signal } = new AbortController();
  await systemClock.sleep(1, signal);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
