import { closeSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { checked, lastErrno } from '../ffi/errno.ts';
import { libc } from '../ffi/libc.ts';

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

/** Sends a signal (`SIGTERM`, …) to this process and to no other that got its pid. False when it has ended. */
export function signalProcess(identity: ProcessIdentity, signal: keyof typeof constants.signals): boolean {
  const fd = libc().pidfd_open(identity.pid, 0);
  if (fd < 0 && lastErrno() === 'ESRCH') return false;
  checked(fd, 'pidfd_open', `Process ${identity.pid} cannot be signalled`);
  try {
    // The descriptor stands for one process: if that is the right one now, it stays so.
    if (!isRunning(identity)) return false;
    const sent = libc().pidfd_send_signal(fd, constants.signals[signal], null, 0);
    if (sent < 0 && lastErrno() === 'ESRCH') return false;
    checked(sent, 'pidfd_send_signal', `Process ${identity.pid} cannot be signalled`);
    return true;
  } finally {
    closeSync(fd);
  }
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
