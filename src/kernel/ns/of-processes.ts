import { readlinkSync } from 'node:fs';
import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { inNamespace } from './enter.ts';

/** The network namespaces that processes are in, each by the path of one of them. A process that ends meanwhile is left out. */
export function namespacesOf(pids: Iterable<number>): readonly string[] {
  const found = new Map<string, string>();
  for (const pid of pids) {
    const path = `/proc/${pid}/ns/net`;
    const identity = linkOf(path);
    if (identity !== undefined && !found.has(identity)) found.set(identity, path);
  }
  return [...found.values()];
}

/**
 * The number by which eBPF programs know a network namespace; it is never used again while the machine runs
 * (socket(7), SO_NETNS_COOKIE, Linux 5.14). Without a path: the calling thread's.
 */
export function namespaceCookie(path?: string): bigint {
  return path === undefined ? ownCookie() : inNamespace(path, ownCookie);
}

function ownCookie(): bigint {
  const type = constants.SOCK_DGRAM | constants.SOCK_CLOEXEC;
  const fd = checked(libc().socket(constants.AF_INET, type, 0), 'socket', 'No socket can be opened');
  try {
    const value = new Uint8Array(8);
    const length = new Uint8Array(Uint32Array.of(value.length).buffer);
    checked(
      libc().getsockopt(fd, constants.SOL_SOCKET, constants.SO_NETNS_COOKIE, value, length),
      'getsockopt',
      'The kernel does not tell the cookie of a network namespace',
    );
    return new DataView(value.buffer).getBigUint64(0, true);
  } finally {
    libc().close(fd);
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
