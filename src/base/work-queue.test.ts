import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from './clock.ts';
import { WorkQueue } from './work-queue.ts';

/** Sleeps end when the test says so. */
function manualClock() {
  const sleeping: { milliseconds: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        sleeping.push({ milliseconds, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
  };
  return { clock, sleeping };
}

const neverFails = () => assert.fail('no key fails here');

test('a key added many times before its turn is handled once', async () => {
  const handled: string[] = [];
  const { clock } = manualClock();
  const queue = new WorkQueue<string>(async key => void handled.push(key), { clock, onError: neverFails });
  queue.add('other');
  for (let time = 0; time < 5; time++) queue.add('key');
  await queue.idle();
  assert.deepEqual(handled, ['other', 'key']);
});

test('a key added while it is handled is handled once more, and never twice at once', async () => {
  const { clock } = manualClock();
  let running = 0;
  let turns = 0;
  const gate = Promise.withResolvers<void>();
  const queue = new WorkQueue<string>(
    async () => {
      assert.equal(++running, 1);
      if (++turns === 1) await gate.promise;
      running--;
    },
    { clock, concurrency: 4, onError: neverFails },
  );
  queue.add('key');
  queue.add('key');
  queue.add('key');
  gate.resolve();
  await queue.idle();
  assert.equal(turns, 2);
});

test('a failing key comes back with a growing delay, and others are not held up', async () => {
  const { clock, sleeping } = manualClock();
  const retries: number[] = [];
  let failures = 3;
  const handled: string[] = [];
  const queue = new WorkQueue<string>(
    async key => {
      if (key === 'bad' && failures-- > 0) throw new Error('not yet');
      handled.push(key);
    },
    { clock, onError: (_key, _error, retry) => retries.push(retry), firstRetryMilliseconds: 10 },
  );
  queue.add('bad');
  queue.add('good');
  await queue.idle();
  assert.deepEqual(handled, ['good']);
  for (let round = 0; round < 3; round++) {
    sleeping.at(-1)?.wake();
    await new Promise(setImmediate);
    await queue.idle();
  }
  assert.deepEqual(retries, [10, 20, 40]);
  assert.deepEqual(handled, ['good', 'bad']);
});

test('of two delays of a key the shorter one counts, whichever comes first', async () => {
  for (const delays of [
    [10, 5000],
    [5000, 10],
  ]) {
    const { clock, sleeping } = manualClock();
    const handled: string[] = [];
    const queue = new WorkQueue<string>(async key => void handled.push(key), { clock, onError: neverFails });
    for (const delay of delays) queue.addAfter('key', delay);
    sleeping.find(({ milliseconds }) => milliseconds === 10)?.wake();
    await new Promise(setImmediate);
    assert.deepEqual(handled, ['key']);
    queue.addAfter('key', 7000);
    assert.equal(sleeping.at(-1)?.milliseconds, 7000, 'the next delay is not measured by one that is over');
    await queue.close();
  }
});

test('a closed queue finishes what it handles and takes nothing more', async () => {
  const { clock } = manualClock();
  const gate = Promise.withResolvers<void>();
  const handled: string[] = [];
  const queue = new WorkQueue<string>(
    async key => {
      await gate.promise;
      handled.push(key);
    },
    { clock, onError: neverFails },
  );
  queue.add('first');
  queue.add('second');
  const closed = queue.close();
  queue.add('third');
  gate.resolve();
  await closed;
  assert.deepEqual(handled, ['first']);
});
