import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { withCommandsAs } from './called-as.ts';
import { commands } from './commands.ts';

const root = resolve(import.meta.dirname, '..', '..');

test('commands in a text are shown as the program was called, and nothing else is changed', () => {
  const text =
    'Run "fairlead up --name a"; see fairlead logs, /var/lib/fairlead up there, fairlead.a, a fairlead.';
  assert.equal(
    withCommandsAs('./fairlead', text),
    'Run "./fairlead up --name a"; see ./fairlead logs, /var/lib/fairlead up there, fairlead.a, a fairlead.',
  );
});

test('every command is known by its name', () => {
  for (const command of commands('fairlead').commands) {
    const name = command.name();
    assert.equal(withCommandsAs('./fairlead', `Run fairlead ${name} now.`), `Run ./fairlead ${name} now.`);
  }
});

const usageOf = (command: string, path: string) =>
  spawnSync('sh', ['-c', `${command} help up`], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` },
  }).stdout.split('\n')[0];

test('the next step is told in the form that was typed: a path, a name on the PATH, a kubectl plugin', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-called-'));
  try {
    symlinkSync(join(root, 'fairlead'), join(directory, 'fairlead'));
    symlinkSync(join(root, 'fairlead'), join(directory, 'kubectl-fairlead'));
    assert.equal(usageOf('./fairlead', directory), 'Usage: ./fairlead up [options]');
    assert.equal(usageOf('fairlead', directory), 'Usage: fairlead up [options]');
    assert.equal(usageOf('kubectl-fairlead', directory), 'Usage: kubectl fairlead up [options]');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
