import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { FairleadError } from '../../base/errors.ts';
import { mounts } from '../mount/index.ts';
import type { Mount } from '../mount/index.ts';

/**
 * Control groups of version 2: paths are relative to its mount, as `cgroups` in contract.ts gives them. The mount is
 * /sys/fs/cgroup, or /sys/fs/cgroup/unified beside version 1.
 */
export function cgroupMount(): string {
  const found = chooseMount(mounts());
  if (found !== undefined) return found;
  throw new FairleadError('kernel/cgroup-missing', 'No cgroup v2 hierarchy is mounted', {
    hint: 'Mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
  });
}

/** The hierarchy as a whole, the nearest to the usual place first; undefined where there is none. */
export function chooseMount(all: readonly Mount[]): string | undefined {
  const candidates = all.filter(mount => mount.type === 'cgroup2').map(mount => mount.path);
  const usual = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
  return usual.find(path => candidates.includes(path)) ?? candidates[0];
}

/** Makes the group and those above it; one that exists is fine. */
export function createCgroup(path: string): void {
  attempt(path, 'cannot be made', () => mkdirSync(directoryOf(path), { recursive: true }));
}

export function addToCgroup(path: string, pid: number): void {
  attempt(path, `cannot take process ${pid}`, () =>
    writeFileSync(join(directoryOf(path), 'cgroup.procs'), `${pid}\n`, { flag: 'r+' }),
  );
}

/** Processes of the group and of all groups below it; none for an absent group. */
export function cgroupProcesses(path: string): readonly number[] {
  const found: number[] = [];
  for (const directory of subtree(directoryOf(path))) {
    const text = readIfPresent(join(directory, 'cgroup.procs')) ?? '';
    for (const line of text.split('\n')) if (line !== '') found.push(Number(line));
  }
  return found;
}

/** Ends every process of the group and below by `cgroup.kill` (Linux 5.14), and waits until none is left. */
export async function killCgroup(
  path: string,
  options: { clock?: Clock; timeoutMilliseconds?: number } = {},
): Promise<void> {
  const clock = options.clock ?? systemClock;
  const deadline = clock.now() + (options.timeoutMilliseconds ?? 10_000);
  const directory = directoryOf(path);
  for (let pause = 1; isPopulated(directory); pause = Math.min(pause * 2, 50)) {
    if (clock.now() > deadline) {
      throw new FairleadError('kernel/cgroup-kill', `Processes of the cgroup ${path} do not end`, {
        hint: `See what they wait for: cat ${directory}/cgroup.procs, then /proc/PID/stack`,
      });
    }
    kill(directory, path);
    await clock.sleep(pause);
  }
}

/** Removes the group and all groups below it, which have no processes any more; absent is fine. */
export function removeCgroup(path: string): void {
  // Deepest first; rmdir(2) is the only way: the files in a group cannot be deleted.
  for (const directory of subtree(directoryOf(path)).toReversed()) {
    attempt(path, 'cannot be removed', () => ignoreAbsent(() => rmdirSync(directory)));
  }
}

function kill(directory: string, path: string): void {
  attempt(path, 'cannot be killed', () =>
    ignoreAbsent(() => writeFileSync(join(directory, 'cgroup.kill'), '1\n', { flag: 'r+' })),
  );
}

/** `cgroup.events` counts zombies out, and the groups below in. */
function isPopulated(directory: string): boolean {
  return /^populated 1$/m.test(readIfPresent(join(directory, 'cgroup.events')) ?? '');
}

/** Parents before children; empty for an absent directory. */
function subtree(directory: string): string[] {
  const entries = ignoreAbsent(() => readdirSync(directory, { withFileTypes: true }));
  if (entries === undefined) return [];
  const below = entries
    .filter(entry => entry.isDirectory())
    .flatMap(entry => subtree(join(directory, entry.name)));
  return [directory, ...below];
}

function directoryOf(path: string): string {
  const parts = path.split('/');
  if (parts.some(part => part === '' || part === '.' || part === '..')) {
    throw new FairleadError('kernel/cgroup-path', `"${path}" is not the path of a cgroup`);
  }
  return join(cgroupMount(), path);
}

const readIfPresent = (file: string): string | undefined => ignoreAbsent(() => readFileSync(file, 'utf8'));

/** A group may vanish between two steps: reading then gives ENOENT or ENODEV. */
function ignoreAbsent<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENODEV') return undefined;
    throw error;
  }
}

function attempt(path: string, what: string, run: () => unknown): void {
  try {
    run();
  } catch (cause) {
    if (cause instanceof FairleadError) throw cause;
    throw new FairleadError('kernel/cgroup', `The cgroup ${path} ${what}`, { cause });
  }
}
