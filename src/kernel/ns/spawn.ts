import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { inNamespace } from './enter.ts';

/**
 * Starts a process that is born in a network namespace: it inherits the thread's. Unlike `ip netns exec`, its mounts
 * stay the caller's, so that it sees bpffs and the cgroups.
 */
export function spawnIn(
  path: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  return inNamespace(path, () => spawn(command, args, options));
}
