import { closeSync, openSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';

/**
 * Runs a synchronous function with this thread in the network namespace at `path` (a named namespace or
 * /proc/PID/ns/net), and brings the thread back whatever happens. Only the network namespace changes: mounts, cgroups
 * and bpffs stay. Sockets and processes made inside stay there.
 *
 * setns(2) is per thread: a promise would run on in the wrong namespace, so it is refused.
 */
export function inNamespace<T>(path: string, run: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    enter(path);
    let result: T;
    try {
      result = run();
    } finally {
      checked(
        libc().setns(home, constants.CLONE_NEWNET),
        'setns',
        'This thread cannot return to its network namespace',
      );
    }
    if (isPromise(result)) {
      throw new FairleadError(
        'kernel/namespace-async',
        `The work in the network namespace ${path} is asynchronous, so most of it would run outside`,
        { hint: 'Open the socket or start the process synchronously inside, and go on outside' },
      );
    }
    return result;
  } finally {
    closeSync(home);
  }
}

/** Opens a namespace, so that it can be named in netlink messages or outlive its name. The caller closes it. */
export function openNamespace(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new FairleadError('kernel/namespace-missing', `There is no network namespace at ${path}`, {
      cause,
    });
  }
}

function enter(path: string): void {
  const there = openNamespace(path);
  try {
    checked(
      libc().setns(there, constants.CLONE_NEWNET),
      'setns',
      `The network namespace ${path} cannot be entered`,
    );
  } finally {
    closeSync(there);
  }
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
