import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathInNode, prepareHostPath } from './host-path.ts';

function nodeFiles(context: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'fairlead-test-node-'));
  context.after(() => rmSync(root, { recursive: true }));
  return root;
}

test('a path of the node is made, checked or refused as its type says', context => {
  const root = nodeFiles(context);
  writeFileSync(join(root, 'file'), '');
  mkdirSync(join(root, 'directory'));
  const cases: readonly (readonly [string, string | undefined, RegExp | 'directory' | 'file'])[] = [
    ['/var/lib/any', undefined, 'directory'],
    ['/var/lib/made', 'DirectoryOrCreate', 'directory'],
    ['/etc/app/made', 'FileOrCreate', 'file'],
    ['/directory', 'Directory', 'directory'],
    ['/file', 'File', 'file'],
    ['/nowhere', 'Directory', /hostPath type check failed: \/nowhere is not a directory/],
    ['/no/where', 'File', /\/no\/where is not a file/],
    ['/file', 'Directory', /\/file is not a directory/],
    ['/directory', 'FileOrCreate', /\/directory is not a file/],
    ['/file/below', undefined, /\/file\/below is not a directory/],
    ['/run/docker.sock', 'Socket', /\/run\/docker.sock is not a socket file/],
    ['/file', 'CharDevice', /is not a character device/],
    ['/file', 'BlockDevice', /is not a block device/],
  ];
  for (const [path, type, outcome] of cases) {
    const run = () => prepareHostPath(root, type === undefined ? { path } : { path, type });
    if (outcome instanceof RegExp) {
      assert.throws(run, outcome);
      continue;
    }
    run();
    run(); // by the next pod
    assert.equal(lstatSync(join(root, path)).isFile(), outcome === 'file', path);
  }
  assert.equal(existsSync(join(root, 'nowhere')), false);
});

test('no path and no link leads out of the node', context => {
  const root = nodeFiles(context);
  const outside = nodeFiles(context);
  symlinkSync(outside, join(root, 'link'));
  assert.throws(() => prepareHostPath(root, { path: '/link' }), /is a link, which is not followed/);
  assert.throws(() => prepareHostPath(root, { path: '/link/below' }), /is not a directory/);
  assert.throws(() => prepareHostPath(root, { path: '/a/../../b' }), /has "\.\." in it/);
  assert.deepEqual([existsSync(join(outside, 'below')), pathInNode({ path: '//a/./b/' })], [false, 'a/b']);
});

test('a pod that swaps a directory for a link meanwhile has nothing made out of the node', async context => {
  const root = nodeFiles(context);
  const outside = nodeFiles(context);
  mkdirSync(join(root, 'd'));
  const swap = `
    const { renameSync, symlinkSync } = require('node:fs');
    const [root, outside] = process.argv.slice(1);
    symlinkSync(outside, root + '/l');
    console.log('swaps');
    for (;;) {
      renameSync(root + '/d', root + '/x'); renameSync(root + '/l', root + '/d');
      renameSync(root + '/d', root + '/l'); renameSync(root + '/x', root + '/d');
    }`;
  const pod = spawn(process.execPath, ['-e', swap, root, outside], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(pod, 'exit');
  try {
    await once(pod.stdout, 'data');
    for (let at = 0; at < 3000; at++) {
      try {
        prepareHostPath(root, { path: `/d/made-${at}` });
      } catch {
        // The link was there, or nothing.
      }
    }
  } finally {
    pod.kill('SIGKILL');
    await exited;
  }
  assert.deepEqual(readdirSync(outside), []);
});

test("what is this machine's is not a node's", () => {
  for (const path of ['/proc', '/sys/fs/cgroup', '//dev/'])
    assert.throws(() => pathInNode({ path }), /is that of this machine/);
  assert.equal(pathInNode({ path: '/process' }), 'process');
  assert.equal(pathInNode({ path: '/' }), '');
});
