import { readFileSync } from 'node:fs';
import { checked, lastErrno } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { parseMountinfo } from './mountinfo.ts';
import type { Mount } from './mountinfo.ts';

export type { Mount } from './mountinfo.ts';

/** What is mounted in this process's mount namespace, in the order in which it was mounted. */
export function mounts(): readonly Mount[] {
  return parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Paths of all mounts at or below `directory` (absolute), the last mounted first: the order to unmount them in. */
export function mountsBelow(directory: string): readonly string[] {
  const below = directory.endsWith('/') ? directory : `${directory}/`;
  return mounts()
    .map(mount => mount.path)
    .filter(path => path === directory || path.startsWith(below))
    .toReversed();
}

/** Detaches what is mounted at `path`, however busy it is and however often; nothing happens when nothing is mounted. */
export function unmount(path: string): void {
  while (libc().umount2(path, constants.MNT_DETACH) === 0);
  const errno = lastErrno();
  if (errno === 'EINVAL' || errno === 'ENOENT') return;
  checked(libc().umount2(path, constants.MNT_DETACH), 'umount2', `${path} cannot be unmounted`);
}

/** Mounts a file system of `type` (`tmpfs`, `bpf`, …) with mount(8)'s comma-separated data. */
export function mountFileSystem(type: string, path: string, data = ''): void {
  checked(
    libc().mount(type, path, type, 0, data === '' ? null : data),
    'mount',
    `${type} cannot be mounted at ${path}`,
  );
}
