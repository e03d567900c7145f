import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../base/clock.ts';
import { FairleadError } from '../../base/errors.ts';
import { configure, createTables, schemaVersion, versionOf } from './schema.ts';

export interface OpenedStore {
  readonly database: DatabaseSync;
  /**
   * `kept`: the rows are those of the last run. `booted`: the machine has started anew, every row was void. `rebuild`: the
   * file was unreadable and stands aside; what the kernel has must be adopted.
   */
  readonly outcome: 'kept' | 'booted' | 'rebuild';
  /** Where the unreadable file went. */
  readonly movedTo?: string;
}

/** Opens the store at `path`, creates it where there is none, and puts an unreadable one aside. */
export function openStore(path: string, bootId: string, clock: Clock): OpenedStore {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const database = openDatabase(path);
    return { database, outcome: claimBoot(database, bootId) };
  } catch (error) {
    if (!isCorrupt(error)) throw unusable(path, error);
    const movedTo = `${path}.unreadable-${clock.now()}`;
    renameSync(path, movedTo);
    for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    const database = openDatabase(path);
    claimBoot(database, bootId);
    return { database, outcome: 'rebuild', movedTo };
  }
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    configure(database);
    const version = versionOf(database);
    if (version === 0) createTables(database);
    else if (version !== schemaVersion) throw new ForeignStore(`its tables have version ${version}`);
    const check = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (check.quick_check !== 'ok') throw new ForeignStore(check.quick_check);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Addresses of an earlier boot belong to nobody: their namespaces went with it. */
function claimBoot(database: DatabaseSync, bootId: string): 'kept' | 'booted' {
  const row = database.prepare("SELECT value FROM meta WHERE key = 'boot'").get() as
    | { value: string }
    | undefined;
  if (row?.value === bootId) return 'kept';
  database.exec('BEGIN IMMEDIATE');
  database.exec('DELETE FROM addresses; DELETE FROM attachments; DELETE FROM released');
  database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('boot', ?)").run(bootId);
  database.exec('COMMIT');
  return row === undefined ? 'kept' : 'booted';
}

class ForeignStore extends Error {}

/** SQLite's primary result codes for a damaged file, and for one that never was a database. */
const corruptCodes: ReadonlySet<number> = new Set([11, 26]);

export function isCorrupt(error: unknown): boolean {
  return error instanceof ForeignStore || corruptCodes.has(sqliteCode(error) ?? 0);
}

/** The primary result code of an error that SQLite reported. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

function unusable(path: string, cause: unknown): FairleadError {
  return new FairleadError('pods/ipam-unusable', `the address store ${path} cannot be opened`, {
    hint: 'Check that the file system is writable and has space.',
    cause,
  });
}
