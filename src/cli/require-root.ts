import { FairleadError } from '../base/errors.ts';

/** Namespaces, links, control groups and the cluster's keys are the superuser's. */
export function requireRoot(command: string): void {
  if (process.getuid?.() === 0) return;
  throw new FairleadError(
    'cli/not-root',
    `"fairlead ${command}" needs root: a cluster is made of network namespaces, and its files are root's.`,
    {
      hint: `Run it as root: sudo fairlead ${command}`,
    },
  );
}
