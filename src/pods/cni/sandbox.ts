import { statSync } from 'node:fs';
import { CniError, cniCodes } from './cni-error.ts';

/** Refuses what is not the network namespace of a pod: nothing at the path, another kind of file, the node's own. */
export function requireSandbox(path: string): void {
  const own = statSync('/proc/self/ns/net');
  let found: typeof own;
  try {
    found = statSync(path);
  } catch (cause) {
    throw containerUnknown(`there is no network namespace at ${path}`, cause);
  }
  // All namespaces are files of one file system, which nothing else is on.
  if (found.dev !== own.dev) throw containerUnknown(`${path} is not a network namespace`);
  if (found.ino === own.ino) {
    throw new CniError(
      cniCodes.badEnvironment,
      'environment',
      `${path} is the node's own network namespace`,
      {
        field: 'CNI_NETNS',
      },
    );
  }
}

function containerUnknown(sentence: string, cause?: unknown): CniError {
  return new CniError(cniCodes.containerUnknown, 'container', sentence, { field: 'CNI_NETNS', cause });
}
