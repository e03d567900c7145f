import { readFileSync } from 'node:fs';

/** A process for its whole life: a pid alone may be given to another one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: number;
}

/** Undefined when there is no such process, or when it has ended and only waits to be reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readProc(pid, 'stat');
  const fields = stat === undefined ? undefined : parseStat(stat);
  if (fields === undefined || fields.state === 'Z' || fields.state === 'X') return undefined;
  return { pid, startTime: fields.startTime };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime;
}

/**
 * Proportional set size in bytes: its own memory, and its share of what it shares (proc_pid_smaps_rollup(5)). 0 for a
 * process that is gone.
 */
export function proportionalSetSize(pid: number): number {
  const rollup = readProc(pid, 'smaps_rollup');
  const kibibytes = /^Pss:\s+(\d+) kB$/m.exec(rollup ?? '')?.[1];
  return kibibytes === undefined ? 0 : Number(kibibytes) * 1024;
}

/** proc_pid_stat(5): the command is in parentheses and may hold anything, parentheses too. */
export function parseStat(text: string): { readonly state: string; readonly startTime: number } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTime = Number(fields[19]);
  if (state === undefined || !Number.isSafeInteger(startTime)) return undefined;
  return { state, startTime };
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
