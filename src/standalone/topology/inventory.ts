import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMount } from '../../kernel/cgroup/index.ts';
import { bpf, cgroups, namespaces, paths } from '../../kernel/contract.ts';
import { mountsBelow } from '../../kernel/mount/index.ts';
import { listNamespaces, namespacePath } from '../../kernel/ns/index.ts';

/** What is there of a cluster, found by the names of the contract and never by what someone wrote down. */
export interface Inventory {
  readonly namespaces: readonly string[];
  readonly mounts: readonly string[];
  readonly hasCgroup: boolean;
  /** Directories and files that exist. */
  readonly files: readonly string[];
}

export function inventoryOf(cluster: string): Inventory {
  const directories = [paths.state(cluster), paths.run(cluster)];
  return {
    namespaces: listNamespaces(namespaces.prefix(cluster)),
    mounts: directories.flatMap(path => mountsBelow(path)),
    hasCgroup: existsSync(join(cgroupMount(), cgroups.cluster(cluster))),
    files: [...directories, bpf.cluster(cluster)].filter(path => existsSync(path)),
  };
}

export const isNothing = (inventory: Inventory): boolean =>
  inventory.namespaces.length === 0 &&
  inventory.mounts.length === 0 &&
  !inventory.hasCgroup &&
  inventory.files.length === 0;

/** Names of all clusters of which anything is there, half made and half removed ones too. */
export function clustersPresent(): readonly string[] {
  const names = new Set([
    ...directoriesIn(paths.stateRoot),
    ...directoriesIn(paths.runRoot),
    ...directoriesIn(join(bpf.mount, 'fairlead')),
    ...directoriesIn(join(cgroupMount(), cgroups.root)),
    ...listNamespaces('fairlead.').flatMap(name => name.split('.')[1] ?? []),
  ]);
  return [...names].toSorted();
}

/** Processes in these network namespaces: also a shell that someone opened there, which would keep it alive. */
export function processesIn(names: readonly string[]): readonly number[] {
  const inodes = new Set(names.map(name => inodeOf(namespacePath(name))));
  inodes.delete(undefined);
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && inodes.has(inodeOf(`/proc/${name}/ns/net`)))
    .map(Number);
}

/** Undefined for what is gone, and for a process that the kernel hides even from root. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined;
    throw error;
  }
}

function directoriesIn(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name);
}
