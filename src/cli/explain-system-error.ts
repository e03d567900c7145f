import { FairleadError, sentenceOf } from '../base/errors.ts';

/** What to do about errors of the machine itself, which reach the top as the system call gave them. */
const explanations: Readonly<Record<string, { readonly sentence: string; readonly hint: string }>> = {
  ENOSPC: {
    sentence: 'The disk is full',
    hint: 'Free some space (df -h /var/lib /run) and run the command again.',
  },
  EDQUOT: {
    sentence: 'The disk quota is used up',
    hint: 'Free some space and run the command again.',
  },
  EROFS: {
    sentence: 'The file system is read-only',
    hint: 'Mount it writable and run the command again.',
  },
  EMFILE: {
    sentence: 'Too many files are open',
    hint: 'Raise the limit (ulimit -n 65536) and run the command again.',
  },
  ENFILE: {
    sentence: 'The machine has too many files open',
    hint: 'End what is not needed and run the command again.',
  },
  ENOMEM: {
    sentence: 'The machine is out of memory',
    hint: 'End what is not needed and run the command again.',
  },
};

/** The same error, with the next step where the cause is one of the machine. */
export function explainSystemError(error: unknown): unknown {
  if (error instanceof FairleadError && error.hint !== undefined) return error;
  const code = systemCodeOf(error);
  const explanation = code === undefined ? undefined : explanations[code];
  if (code === undefined || explanation === undefined) return error;
  const { sentence, hint } = explanation;
  return new FairleadError(`system/${code.toLowerCase()}`, `${sentence}: ${sentenceOf(error)}`, { hint });
}

/** The code of the system call that failed, however deep it is among the causes. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && code in explanations ? code : systemCodeOf(error.cause);
}
