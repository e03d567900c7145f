import { closeSync, existsSync, fdatasync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import type { Change } from './entry.ts';

/** `flrd`: tells our files from other SQLite files. */
const APPLICATION_ID = 0x666c7264;
const FORMAT = 1;
const NEXT_STEP =
  'Move the file away to start empty, or put a good copy in its place; Fairlead leaves it untouched.';

export interface StoredRow {
  readonly storage: string;
  readonly key: string;
  readonly revision: number;
  readonly text: string;
}

/** The part of the store that survives: what a crash or a restart brings back. */
export interface DurableLog {
  readonly revision: number;
  load(): IterableIterator<StoredRow>;
  /** Writes all changes or none; throws `store/disk-full` or `store/write-failed`. */
  append(changes: readonly Change[]): void;
  /** Resolves when everything appended so far would survive a loss of power. */
  sync(): Promise<void>;
  /** Moves the write-ahead log into the table; for quiet moments. */
  compact(): void;
  close(): void;
}

/**
 * The log in a SQLite file. A transaction in WAL mode with `synchronous=NORMAL` is in the kernel's page cache when it
 * returns: that is enough to survive kill -9. `sync` then flushes the WAL file from the thread pool, and only after that
 * a write is acknowledged: it survives a loss of power as with `synchronous=FULL`, but the main loop never waits for
 * the disk, and all writes that arrive meanwhile share the next flush.
 */
export function openDurableLog(file: string): DurableLog {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) inspect(file);
  const database = guarded(file, () => new DatabaseSync(file));
  try {
    guarded(file, () => prepare(database));
    return new SqliteLog(database, file);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteLog implements DurableLog {
  readonly revision: number;
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #setRevision: StatementSync;
  readonly #walFile: number;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#put = database.prepare(
      'INSERT OR REPLACE INTO object (storage, key, revision, text) VALUES (?, ?, ?, ?)',
    );
    this.#remove = database.prepare('DELETE FROM object WHERE storage = ? AND key = ?');
    this.#setRevision = database.prepare("INSERT OR REPLACE INTO state (name, value) VALUES ('revision', ?)");
    const row = database.prepare("SELECT value FROM state WHERE name = 'revision'").get();
    this.revision = Number(row?.['value'] ?? 0);
    // Exists from here on until the database is closed, because of this write.
    this.#setRevision.run(this.revision);
    this.#walFile = openSync(`${file}-wal`, 'r');
  }

  *load(): IterableIterator<StoredRow> {
    const rows = this.#database.prepare('SELECT storage, key, revision, text FROM object ORDER BY revision');
    for (const row of rows.iterate()) {
      const { storage, key, revision, text } = row;
      yield { storage: String(storage), key: String(key), revision: Number(revision), text: String(text) };
    }
  }

  append(changes: readonly Change[]): void {
    const last = changes.at(-1);
    if (last === undefined) return;
    try {
      this.#database.exec('BEGIN');
      for (const change of changes) {
        const { key, revision, text } = change.after;
        if (change.type === 'DELETED') this.#remove.run(change.storage, key);
        else this.#put.run(change.storage, key, revision, text);
      }
      this.#setRevision.run(last.after.revision);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw writeError(error, this.#file);
    }
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#walFile, error => (error === null ? resolve() : reject(writeError(error, this.#file))));
    });
  }

  compact(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    closeSync(this.#walFile);
    this.#database.close();
  }
}

/**
 * Whose file is it, and is it whole? Asked on a connection that only reads: one that may write moves the write-ahead log
 * into the file and deletes it when it closes, and with a damaged file that would be the last good copy of much.
 */
function inspect(file: string): void {
  checkWriteAheadLog(file);
  const database = guarded(file, () => new DatabaseSync(file, { readOnly: true }));
  try {
    guarded(file, () => check(database, file));
  } finally {
    database.close();
  }
}

const WAL_HEADER_BYTES = 32;
/** https://sqlite.org/fileformat2.html#the_write_ahead_log: one for each byte order of its checksums. */
const WAL_MAGIC: readonly number[] = [0x377f0682, 0x377f0683];

/** SQLite takes a log with a broken header for an empty one, and would lose without a word what is in it. */
function checkWriteAheadLog(file: string): void {
  const wal = `${file}-wal`;
  if (!existsSync(wal)) return;
  const header = Buffer.alloc(WAL_HEADER_BYTES);
  const descriptor = openSync(wal, 'r');
  try {
    if (readSync(descriptor, header, 0, header.length, 0) < header.length) return; // empty, or never got far
  } finally {
    closeSync(descriptor);
  }
  if (!WAL_MAGIC.includes(header.readUInt32BE(0))) throw corrupt(wal, new Error('it is no write-ahead log'));
}

function check(database: DatabaseSync, file: string): void {
  database.exec('PRAGMA busy_timeout = 0');
  const id = pragma(database, 'application_id');
  const format = pragma(database, 'user_version');
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] ?? 0);
  if (tables > 0 && id !== APPLICATION_ID) {
    throw new FairleadError('store/foreign', `${file} is a database of another program`, { hint: NEXT_STEP });
  }
  if (format > FORMAT) {
    throw new FairleadError('store/newer', `${file} was written by a newer Fairlead (format ${format})`, {
      hint: 'Start the newer Fairlead again, or move the file away to start empty.',
    });
  }
  const found = database.prepare('PRAGMA quick_check(1)').get();
  if (found !== undefined && Object.values(found)[0] !== 'ok') {
    throw corrupt(file, new Error(String(Object.values(found)[0])));
  }
}

function prepare(database: DatabaseSync): void {
  database.exec('PRAGMA busy_timeout = 0');
  // One process owns the file; no shared memory beside it is needed then.
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  // The log is compacted in quiet moments; this bound (in pages of 4 KiB) holds under constant load.
  database.exec('PRAGMA wal_autocheckpoint = 8192');
  database.exec('PRAGMA cache_size = -1024');
  database.exec(`BEGIN;
    CREATE TABLE IF NOT EXISTS object (
      storage TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL,
      PRIMARY KEY (storage, key)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT};
    COMMIT`);
}

const pragma = (database: DatabaseSync, name: string): number =>
  Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);

/** Result codes of SQLite, https://sqlite.org/rescode.html; the low byte is the primary code. */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

function guarded<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof FairleadError) throw error;
    const code = primaryCode(error);
    if (code === CORRUPT || code === NOT_A_DATABASE) throw corrupt(file, error);
    if (code === BUSY) {
      throw new FairleadError('store/in-use', `${file} is in use by another process`, {
        hint: 'Is this cluster running already? `fairlead status` tells.',
        cause: error,
      });
    }
    if (code === FULL) throw writeError(error, file);
    throw new FairleadError('store/unreadable', `${file} cannot be opened`, {
      hint: 'Check that the directory exists, is writable and has space.',
      cause: error,
    });
  }
}

/** Also thrown by the reader when a stored text is not an object. */
export function corrupt(file: string, cause: unknown): FairleadError {
  return new FairleadError('store/corrupt', `The store ${file} is damaged`, { hint: NEXT_STEP, cause });
}

function writeError(error: unknown, file: string): FairleadError {
  const full = primaryCode(error) === FULL || (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return full
    ? new FairleadError('store/disk-full', `The disk of ${file} is full: nothing was written`, {
        hint: 'Free some space and try again; reading goes on meanwhile.',
        cause: error,
      })
    : new FairleadError('store/write-failed', `Writing ${file} failed: ${sentenceOf(error)}`, {
        cause: error,
      });
}

/** node:sqlite puts the extended result code into `errcode`. */
function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}
