import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { cgroupMount, createCgroup, killCgroup, removeCgroup } from '../../src/kernel/cgroup/index.ts';
import { mountFileSystem, unmount } from '../../src/kernel/mount/index.ts';
import { createNamespace, deleteNamespace } from '../../src/kernel/ns/index.ts';

/** Where what has to be undone is said: a test's context, or what a benchmark has in its place. */
export type TestEnd = Pick<TestContext, 'after'>;

/** Names of one test process, so that tests run beside each other and beside a cluster. */
export const testName = (part: string): string => `fairlead-test-${process.pid}-${part}`;

/** A named network namespace until the test ends; its path. */
export function temporaryNamespace(context: TestContext, part: string): string {
  context.after(() => deleteNamespace(testName(part)));
  return createNamespace(testName(part));
}

/** A cgroup until the test ends, when everything in it is killed. */
export function temporaryCgroup(
  context: TestContext,
  part: string,
): { readonly path: string; readonly directory: string } {
  const path = testName(part);
  context.after(async () => {
    await killCgroup(path);
    removeCgroup(path);
  });
  createCgroup(path);
  return { path, directory: join(cgroupMount(), path) };
}

/** A bpf file system of the test's own. */
export function temporaryBpfFileSystem(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-test-bpf-'));
  context.after(() => {
    unmount(directory);
    rmdirSync(directory);
  });
  mountFileSystem('bpf', directory);
  return directory;
}
