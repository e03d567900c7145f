import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '../../../kernel/process/index.ts';

/** A running container, as its launcher wrote it down. */
export interface RunRecord {
  readonly program: ProcessIdentity;
  readonly launcher: ProcessIdentity;
  /** RFC 3339 with nanoseconds. */
  readonly startedAt: string;
}

/** How a container ended. */
export interface Ending {
  readonly exitCode: number;
  /** 0: it ended by itself. */
  readonly signal: number;
  readonly outOfMemory: boolean;
  /** False: the program was never run, and `message` says why. */
  readonly ran: boolean;
  readonly message: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Nothing is written down about the end: the launcher was killed, too. */
  readonly unknown?: true;
}

/** Undefined while there is none; records are renamed into place, so a part of one is never seen. */
export function readRunRecord(path: string): RunRecord | undefined {
  const found = readJson(path);
  if (found === undefined) return undefined;
  return {
    program: { pid: Number(found.pid), startTime: Number(found.startTime) },
    launcher: { pid: Number(found.launcherPid), startTime: Number(found.launcherStartTime) },
    startedAt: String(found.startedAt),
  };
}

export function readEnding(path: string): Ending | undefined {
  const found = readJson(path);
  if (found === undefined) return undefined;
  return {
    exitCode: Number(found.exitCode),
    signal: Number(found.signal),
    outOfMemory: found.outOfMemory === true,
    ran: found.ran !== false,
    message: String(found.message),
    startedAt: String(found.startedAt),
    finishedAt: String(found.finishedAt),
  };
}

/** For a container whose launcher was killed with it: nobody saw its exit code. */
export function unknownEnding(startedAt: string, now: number): Ending {
  return {
    exitCode: 137,
    signal: 9,
    outOfMemory: false,
    ran: true,
    message: 'The container and its launcher were killed, so that nobody saw how it ended.',
    startedAt,
    finishedAt: new Date(now).toISOString(),
    unknown: true,
  };
}

function readJson(path: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as Record<string, unknown>;
}
