import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ProcessIdentity } from '../../../kernel/process/index.ts';
import { clusterFiles } from '../../cluster.ts';

export interface ProcessRecord {
  readonly name: string;
  /** Absent while it waits to be started again. */
  readonly identity?: ProcessIdentity;
  readonly restarts: number;
  readonly failuresInRow: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** How it ended the last time, in words: "exit code 1", "signal SIGKILL". */
  readonly lastEnd?: string;
}

/** What a supervisor writes down after every change: `status` reads it, the next supervisor adopts from it. */
export interface ProcessTable {
  readonly supervisor: ProcessIdentity;
  readonly processes: readonly ProcessRecord[];
}

/** Undefined where there is none, or none that can be read: the processes are then found by their cgroup. */
export function readProcessTable(cluster: string): ProcessTable | undefined {
  try {
    const table = JSON.parse(readFileSync(clusterFiles.processes(cluster), 'utf8')) as ProcessTable;
    return Array.isArray(table.processes) && typeof table.supervisor.pid === 'number' ? table : undefined;
  } catch {
    return undefined;
  }
}

/** Atomic: a reader sees the old table or the new one. */
export function writeProcessTable(cluster: string, table: ProcessTable): void {
  const file = clusterFiles.processes(cluster);
  writeFileSync(`${file}.new`, `${JSON.stringify(table, null, 1)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
