import { closeSync, constants, lstatSync, mkdirSync, openSync, type Stats } from 'node:fs';
import { FairleadError } from '../../../base/errors.ts';
import type { HostPathVolumeSource } from '../../../kube/types/core.ts';

/** What of a node is this machine's. */
const OF_THE_MACHINE = /^(proc|sys|dev)(\/|$)/;

/** The path below the node's own files. Throws for what a node does not have of its own. */
export function pathInNode(source: HostPathVolumeSource): string {
  const parts = source.path.split('/').filter(part => part !== '' && part !== '.');
  const path = parts.join('/');
  if (parts.includes('..'))
    throw new FairleadError('runtime/host-path', `the path ${source.path} has ".." in it`);
  if (OF_THE_MACHINE.test(path))
    throw new FairleadError(
      'runtime/host-path',
      `the node's /${path} is that of this machine, which pods do not see`,
      {
        field: 'spec.volumes[].hostPath.path',
      },
    );
  return path;
}

type Kind = 'directory' | 'file' | 'socket file' | 'character device' | 'block device';

const CHECKED: Readonly<Record<string, Kind>> = {
  Directory: 'directory',
  DirectoryOrCreate: 'directory',
  File: 'file',
  FileOrCreate: 'file',
  Socket: 'socket file',
  CharDevice: 'character device',
  BlockDevice: 'block device',
};

/**
 * Makes what `type` lets be made, and checks the rest (core/v1 HostPathType), below the directory `root` and never through
 * a link: a pod that put one there would lead the next one out of the node. Each directory is held open while the next
 * name is looked up in it, so that a pod that changes the path meanwhile leads nowhere either.
 */
export function prepareHostPath(root: string, source: HostPathVolumeSource): void {
  const parts = pathInNode(source)
    .split('/')
    .filter(part => part !== '');
  const { type = '' } = source;
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const last = parts.pop();
  let directory = openSync(root, DIRECTORY);
  try {
    for (const part of parts) {
      const next = enter(directory, part, source);
      closeSync(directory);
      directory = next;
    }
    if (last === undefined) return;
    const at = within(directory, last);
    const found = lstatOf(at);
    if (found === undefined) make(at, type, source);
    else check(found, type, source);
  } finally {
    closeSync(directory);
  }
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** What is open stays the same directory, whatever becomes of its path (proc_pid_fd(5)). */
const within = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

function enter(directory: number, name: string, source: HostPathVolumeSource): number {
  const { type = '' } = source;
  const at = within(directory, name);
  if (lstatOf(at) === undefined) {
    if (!makes(type)) throw missing(source, type);
    mkdirSync(at, { mode: 0o755 });
  }
  try {
    return openSync(at, DIRECTORY);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'ELOOP') throw notA(source, 'directory');
    throw error;
  }
}

const makes = (type: string): boolean => ['', 'DirectoryOrCreate', 'FileOrCreate'].includes(type);

function make(path: string, type: string, source: HostPathVolumeSource): void {
  if (type === 'FileOrCreate') closeSync(openSync(path, 'wx', 0o644));
  else if (makes(type)) mkdirSync(path, { mode: 0o755 });
  else throw missing(source, type);
}

function check(found: Stats, type: string, source: HostPathVolumeSource): void {
  if (found.isSymbolicLink())
    throw new FairleadError('runtime/host-path', `the path ${source.path} is a link, which is not followed`);
  const kind = CHECKED[type];
  if (kind !== undefined && kind !== kindOf(found)) throw notA(source, kind);
}

function kindOf(found: Stats): Kind | undefined {
  if (found.isDirectory()) return 'directory';
  if (found.isFile()) return 'file';
  if (found.isSocket()) return 'socket file';
  if (found.isCharacterDevice()) return 'character device';
  return found.isBlockDevice() ? 'block device' : undefined;
}

function missing(source: HostPathVolumeSource, type: string): FairleadError {
  return notA(source, CHECKED[type] ?? 'directory');
}

function notA(source: HostPathVolumeSource, kind: Kind): FairleadError {
  return new FairleadError(
    'runtime/host-path',
    `hostPath type check failed: ${source.path} is not a ${kind}`,
    { hint: "A node's files are its own, not those of this machine: they are what pods put there." },
  );
}

function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
