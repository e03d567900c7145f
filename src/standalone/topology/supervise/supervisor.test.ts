import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../base/clock.ts';
import { silentLog } from '../../../base/log.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { ProcessRecord } from './process-table.ts';
import { type Running, Supervisor } from './supervisor.ts';

/** Processes and time that the test holds in its hand. */
function createWorld() {
  let now = 1_000_000;
  let nextPid = 100;
  const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const alive = new Map<number, { readonly spec: ProcessSpec; readonly end: (how: string) => void }>();
  const signals: string[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        sleepers.push({ until: now + milliseconds, wake: resolve });
      }),
  };
  const run = (spec: ProcessSpec, pid: number): Running => {
    const ended = Promise.withResolvers<string>();
    alive.set(pid, { spec, end: ended.resolve });
    return {
      identity: { pid, startTime: pid },
      ended: ended.promise,
      signal: name => {
        signals.push(`${name} ${spec.name}`);
        alive.delete(pid);
        ended.resolve(`signal ${name}`);
      },
    };
  };
  return {
    clock,
    signals,
    host: {
      start: (spec: ProcessSpec) => run(spec, nextPid++),
      adopt: (spec: ProcessSpec, recorded: { readonly pid: number } | undefined) =>
        recorded === undefined ? undefined : run(spec, recorded.pid),
    },
    names: () => [...alive.values()].map(({ spec }) => spec.name).toSorted(),
    pidOf: (name: string) => [...alive].find(([, { spec }]) => spec.name === name)?.[0],
    async kill(name: string) {
      const [pid, entry] =
        [...alive].find(([, { spec }]) => spec.name === name) ?? assert.fail(`${name} does not run`);
      alive.delete(pid);
      entry.end('signal SIGKILL');
      await settled();
    },
    async pass(milliseconds: number) {
      now += milliseconds;
      for (const sleeper of sleepers.splice(0)) {
        if (sleeper.until <= now) sleeper.wake();
        else sleepers.push(sleeper);
      }
      await settled();
    },
  };
}

const settled = () => new Promise<void>(resolve => void setImmediate(resolve));

const spec = (name: string, stopRank = 0): ProcessSpec => ({
  name,
  command: 'true',
  arguments: [],
  cgroup: 'x',
  log: '/dev/null',
  stopRank,
});

function supervise(world: ReturnType<typeof createWorld>, earlier: readonly ProcessRecord[] = []) {
  let records: readonly ProcessRecord[] = [];
  const supervisor = new Supervisor([spec('runtime'), spec('control-plane', 1)], earlier, {
    host: world.host,
    clock: world.clock,
    log: silentLog,
    graceMilliseconds: 1000,
    onChange: now => void (records = now),
  });
  supervisor.start();
  return { supervisor, recordOf: (name: string) => records.find(record => record.name === name) };
}

test('a process that ends is back at once, and its restart is counted', async () => {
  const world = createWorld();
  const { recordOf } = supervise(world);
  await world.kill('runtime');
  assert.deepEqual(world.names(), ['control-plane']);
  await world.pass(20);
  assert.deepEqual(world.names(), ['control-plane', 'runtime']);
  assert.equal(recordOf('runtime')?.restarts, 1);
  assert.equal(recordOf('runtime')?.lastEnd, 'signal SIGKILL');
});

test('a process that cannot start is tried ever more slowly, and at full speed again after a healthy run', async () => {
  const world = createWorld();
  const { recordOf } = supervise(world);
  for (const milliseconds of [20, 80, 320, 1280, 5120, 10_000, 10_000]) {
    await world.kill('runtime');
    await world.pass(milliseconds - 1);
    assert.deepEqual(world.names(), ['control-plane'], `too early for a pause of ${milliseconds} ms`);
    await world.pass(1);
    assert.deepEqual(world.names(), ['control-plane', 'runtime']);
  }
  await world.pass(60_000);
  await world.kill('runtime');
  await world.pass(20);
  assert.deepEqual(world.names(), ['control-plane', 'runtime']);
  assert.equal(recordOf('runtime')?.failuresInRow, 1);
});

test('what waits to be started again is started at once when someone says that the cause is mended', async () => {
  const world = createWorld();
  const { supervisor, recordOf } = supervise(world);
  for (const milliseconds of [20, 80, 320, 1280]) {
    await world.kill('runtime');
    await world.pass(milliseconds);
  }
  await world.kill('runtime');
  assert.equal(recordOf('runtime')?.failuresInRow, 5);
  supervisor.retry();
  await world.pass(0);
  assert.deepEqual(world.names(), ['control-plane', 'runtime']);
  assert.equal(recordOf('runtime')?.failuresInRow, 0);
  await world.kill('runtime');
  await world.pass(20);
  assert.deepEqual(world.names(), ['control-plane', 'runtime'], 'the next failure counts as the first');
});

test('a new supervisor does not hold old failures against a process', () => {
  const world = createWorld();
  const { recordOf } = supervise(world, [{ name: 'runtime', restarts: 9, failuresInRow: 6, startedAt: 5 }]);
  assert.equal(recordOf('runtime')?.failuresInRow, 0);
  assert.equal(recordOf('runtime')?.restarts, 9);
});

test('what runs already is adopted and not started a second time', async () => {
  const world = createWorld();
  const earlier = { identity: { pid: 7, startTime: 7 }, restarts: 2, failuresInRow: 0, startedAt: 5 };
  const { recordOf } = supervise(world, [{ name: 'runtime', ...earlier }]);
  assert.equal(world.pidOf('runtime'), 7);
  assert.equal(recordOf('runtime')?.restarts, 2);
  await world.kill('runtime');
  await world.pass(20);
  assert.notEqual(world.pidOf('runtime'), 7);
});

test('stopping ends the lower ranks first and starts nothing again', async () => {
  const world = createWorld();
  const { supervisor } = supervise(world);
  await supervisor.stop();
  assert.deepEqual(world.signals, ['SIGTERM runtime', 'SIGTERM control-plane']);
  await world.pass(60_000);
  assert.deepEqual(world.names(), []);
});
