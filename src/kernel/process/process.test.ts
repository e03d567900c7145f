import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { identify, isRunning, parseStat, proportionalSetSize, signalProcess } from './index.ts';

test('the start time is found behind a command with blanks and parentheses', () => {
  const fields = Array.from({ length: 50 }, (_, index) => String(index + 3));
  assert.deepEqual(parseStat(`42 (a) b (c)) S ${fields.slice(1).join(' ')}`), { state: 'S', startTime: 22 });
  assert.equal(parseStat('42 (cut'), undefined);
});

test('a process is known by pid and start time, and not confused with another one', () => {
  const own = identify(process.pid);
  assert.ok(own);
  assert.ok(isRunning(own));
  assert.ok(!isRunning({ ...own, startTime: own.startTime - 1 }));
  assert.ok(proportionalSetSize(process.pid) > 1_000_000);
});

test('a signal reaches the process that is meant and no other, and an ended one is told', async () => {
  const child = spawn('sleep', ['60']);
  const ended = once(child, 'exit');
  try {
    const identity = identify(child.pid ?? 0);
    assert.ok(identity);
    assert.equal(signalProcess({ ...identity, startTime: identity.startTime + 1 }, 'SIGKILL'), false);
    assert.ok(isRunning(identity));
    assert.equal(signalProcess(identity, 'SIGTERM'), true);
    const [, signal] = (await ended) as [number | null, string];
    assert.equal(signal, 'SIGTERM');
    assert.ok(!isRunning(identity));
    assert.equal(signalProcess(identity, 'SIGTERM'), false);
    assert.equal(proportionalSetSize(identity.pid), 0);
  } finally {
    child.kill('SIGKILL');
  }
});
