import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import {
  addToCgroup,
  cgroupMount,
  cgroupProcesses,
  createCgroup,
  killCgroup,
  removeCgroup,
} from '../../src/kernel/cgroup/index.ts';
import { temporaryCgroup } from './kernel-fixture.ts';

test('every process of a group and of those below it ends, and the groups are removed', async context => {
  const { path, directory } = temporaryCgroup(context, 'kill');
  createCgroup(`${path}/node/pods`);
  createCgroup(`${path}/node/pods`);
  const children = [path, `${path}/node/pods`].map(group => {
    // A process that ignores the polite signals, with a child of its own.
    const child = spawn('sh', ['-c', 'trap "" TERM HUP; sleep 60 & wait; sleep 60'], { stdio: 'ignore' });
    addToCgroup(group, child.pid ?? 0);
    return child;
  });
  const ended = children.map(child => once(child, 'exit'));
  for (const child of children) assert.ok(cgroupProcesses(path).includes(child.pid ?? 0));
  await killCgroup(path);
  assert.deepEqual(cgroupProcesses(path), []);
  for (const [, signal] of await Promise.all(ended)) assert.equal(signal, 'SIGKILL');
  removeCgroup(path);
  assert.ok(!existsSync(directory));
});

test('absent groups are killed and removed without an error', async () => {
  await killCgroup('fairlead-absent/group');
  removeCgroup('fairlead-absent/group');
  assert.deepEqual(cgroupProcesses('fairlead-absent'), []);
});

test('a group with processes cannot be removed, and the error says which', context => {
  const { path } = temporaryCgroup(context, 'busy');
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  addToCgroup(path, child.pid ?? 0);
  assert.throws(() => removeCgroup(path), { code: 'kernel/cgroup', message: new RegExp(path) });
});

test('a process that does not exist, and a path that leaves the hierarchy, are refused', context => {
  const { path } = temporaryCgroup(context, 'bad');
  assert.throws(() => addToCgroup(path, 2 ** 22 + 1), { code: 'kernel/cgroup' });
  for (const bad of ['', '..', 'a/../b', '/a', 'a//b'])
    assert.throws(() => createCgroup(bad), { code: 'kernel/cgroup-path' });
  assert.match(cgroupMount(), /^\/sys\/fs\/cgroup/);
});
