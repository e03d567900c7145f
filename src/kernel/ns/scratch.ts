import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { inNamespace } from './enter.ts';

/**
 * Runs a synchronous function in a new network namespace without a name. It is gone afterwards, with everything made in
 * it, unless a socket of it stays open.
 */
export function inScratchNamespace<T>(run: () => T): T {
  // Entering our own namespace costs nothing and brings the thread back after unshare(2).
  return inNamespace('/proc/thread-self/ns/net', () => {
    checked(libc().unshare(constants.CLONE_NEWNET), 'unshare', 'No network namespace can be made');
    return run();
  });
}
