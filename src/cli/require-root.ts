import { FairleadError } from '../base/errors.ts';

/** Namespaces, links and control groups are the superuser's. */
export function requireRoot(command: string): void {
  if (process.getuid?.() === 0) return;
  throw new FairleadError(
    'cli/not-root',
    `"fairlead ${command}" needs root: it makes network namespaces and links.`,
    {
      hint: `Run it as root: sudo ./fairlead ${command}`,
    },
  );
}
