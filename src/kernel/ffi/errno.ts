import koffi from 'koffi';
import { getSystemErrorMessage } from 'node:util';
import { FairleadError } from '../../base/errors.ts';
import type { ErrorDetail } from '../../base/errors.ts';
import { lazily } from './lazily.ts';

const names = lazily(
  () => new Map<number, string>(Object.entries(koffi.os.errno).map(([name, number]) => [number, name])),
);

/** `ENOENT` for 2; `errno 4711` for a number that libc does not name. */
export function errnoName(errno: number): string {
  return names().get(errno) ?? `errno ${errno}`;
}

/** The C library's sentence for an error number: `no such file or directory`. */
export function errnoSentence(errno: number): string {
  return getSystemErrorMessage(-errno) ?? errnoName(errno);
}

/** A system call that the kernel refused. `errno` is the symbolic name (`EPERM`), to be compared by callers. */
export class SystemCallError extends FairleadError {
  readonly call: string;
  readonly errno: string;

  constructor(call: string, errno: number, what: string, detail: ErrorDetail = {}) {
    const name = errnoName(errno);
    const hint = detail.hint ?? hintFor(name);
    super('kernel/system-call', `${what}: ${errnoSentence(errno)} (${call}, ${name})`, {
      ...detail,
      ...(hint === undefined ? {} : { hint }),
    });
    this.call = call;
    this.errno = name;
  }
}

/**
 * The result of a C function that returns -1 and sets errno. Has to be called with the result directly: anything in
 * between may change errno.
 */
export function checked(result: number, call: string, what: string): number {
  if (result >= 0) return result;
  throw new SystemCallError(call, koffi.errno(), what);
}

export const lastErrorNumber = (): number => koffi.errno();

export const lastErrno = (): string => errnoName(lastErrorNumber());

function hintFor(errno: string): string | undefined {
  if (errno === 'EPERM' || errno === 'EACCES') return 'Run it as root, with CAP_SYS_ADMIN and CAP_NET_ADMIN';
  if (errno === 'EMFILE' || errno === 'ENFILE') return 'Raise the limit of open files: ulimit -n';
  return undefined;
}
