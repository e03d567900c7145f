import { FairleadError, sentenceOf } from '../base/errors.ts';

/** What to do about errors of the machine itself, which reach the top as the system call gave them. */
const nextSteps: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space (df -h /var/lib /run) and run the command again.',
  EDQUOT: 'The disk quota is used up: free some space and run the command again.',
  EROFS: 'The file system is read-only: mount it writable and run the command again.',
  EMFILE: 'Too many open files: raise the limit (ulimit -n 65536) and run the command again.',
  ENFILE: 'The machine has too many open files: end what is not needed and run the command again.',
  ENOMEM: 'The machine is out of memory: end what is not needed and run the command again.',
};

/** The same error, with the next step where the cause is one of the machine. */
export function explainSystemError(error: unknown): unknown {
  if (error instanceof FairleadError && error.hint !== undefined) return error;
  const code = systemCodeOf(error);
  const hint = code === undefined ? undefined : nextSteps[code];
  if (code === undefined || hint === undefined) return error;
  return new FairleadError(`system/${code.toLowerCase()}`, sentenceOf(error), { hint });
}

/** The code of the system call that failed, however deep it is among the causes. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && code in nextSteps ? code : systemCodeOf(error.cause);
}
