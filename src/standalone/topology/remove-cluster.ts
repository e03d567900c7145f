import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { FairleadError } from '../../base/errors.ts';
import { cgroupMount, cgroupProcesses, killCgroup, removeCgroup } from '../../kernel/cgroup/index.ts';
import { bpf, cgroups, namespaces, paths } from '../../kernel/contract.ts';
import { mountsBelow, unmount } from '../../kernel/mount/index.ts';
import { deleteNamespace } from '../../kernel/ns/index.ts';
import { isRunning } from '../../kernel/process/index.ts';
import { inventoryOf, isNothing, processesIn } from './inventory.ts';
import { readProcessTable } from './supervise/process-table.ts';

export interface Removed {
  readonly namespaces: number;
  readonly processes: number;
}

const supervisorGraceMilliseconds = 5000;
const lookAgainMilliseconds = 10;

/**
 * Removes everything that a cluster made, in the order in which nothing can come back: the supervisor and what it
 * started, every process in its control group and its namespaces, then namespaces, mounts, pins, control groups, files.
 * It goes by names, so it also clears what is half made, or what lost its files. Undefined when nothing was there.
 */
export async function removeCluster(cluster: string, clock: Clock): Promise<Removed | undefined> {
  const found = inventoryOf(cluster);
  if (isNothing(found)) return undefined;
  const processes = new Set([...cgroupProcesses(cgroups.cluster(cluster)), ...processesIn(found.namespaces)]);
  await stopSupervisor(cluster, clock);
  await killCgroup(cgroups.cluster(cluster));
  for (const pid of processesIn(found.namespaces)) killIfThere(pid);
  for (const name of inventoryOf(cluster).namespaces) deleteNamespace(name);
  removeMounts(cluster);
  rmSync(bpf.cluster(cluster), { recursive: true, force: true });
  await killCgroup(cgroups.cluster(cluster)); // a supervisor that an `up` had just started may have joined meanwhile
  removeCgroup(cgroups.cluster(cluster));
  for (const directory of [paths.run(cluster), paths.state(cluster)]) {
    rmSync(directory, { recursive: true, force: true });
  }
  return { namespaces: found.namespaces.length, processes: processes.size };
}

/** What all clusters share goes with the last of them: directories, and the mount that names namespaces. */
export function removeSharedDirectories(): void {
  const shared = [join(cgroupMount(), cgroups.root), paths.runRoot, paths.stateRoot];
  removeIfEmpty(join(bpf.mount, 'fairlead'));
  removeBpfMount();
  for (const path of shared) removeIfEmpty(path);
  const { directory } = namespaces;
  // As with `ip netns`, whoever makes the next named namespace mounts it again.
  if (!existsSync(directory) || readdirSync(directory).length > 0) return;
  if (mountsBelow(directory).includes(directory)) unmount(directory);
  removeIfEmpty(directory);
}

/** Mounted by the first who pinned something, if nobody had before, and told by a file. */
function removeBpfMount(): void {
  if (!existsSync(bpf.mountMarker)) return;
  // The kernel itself puts two files for debugging there.
  const pinned = existsSync(bpf.mount) ? readdirSync(bpf.mount).filter(name => !name.endsWith('.debug')) : [];
  if (pinned.length > 0) return;
  unmount(bpf.mount);
  rmSync(bpf.mountMarker, { force: true });
}

/** Asked first, so that it starts nothing again; killed with the rest if it does not listen. */
async function stopSupervisor(cluster: string, clock: Clock): Promise<void> {
  const supervisor = readProcessTable(cluster)?.supervisor;
  if (supervisor === undefined || !isRunning(supervisor)) return;
  process.kill(supervisor.pid, 'SIGTERM');
  const deadline = clock.now() + supervisorGraceMilliseconds;
  while (isRunning(supervisor) && clock.now() < deadline) await clock.sleep(lookAgainMilliseconds);
}

function killIfThere(pid: number): void {
  if (pid === process.pid) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The last mounted first. What is mounted there is never deleted through the mount: nothing is removed while one is left. */
function removeMounts(cluster: string): void {
  const directories = [paths.run(cluster), paths.state(cluster)];
  for (const mount of directories.flatMap(path => mountsBelow(path))) unmount(mount);
  const left = directories.flatMap(path => mountsBelow(path));
  if (left.length === 0) return;
  throw new FairleadError('down/still-mounted', `${left.join(', ')} cannot be unmounted.`, {
    hint: `Unmount it by hand (umount ${left[0] ?? ''}) and run "fairlead down --name ${cluster}" again.`,
  });
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EBUSY') throw error;
  }
}
