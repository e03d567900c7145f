import type { DatabaseSync } from 'node:sqlite';

/** Raised when the tables change; a store of another version is rebuilt from the kernel. */
export const schemaVersion = 2;

/**
 * An attachment has at most one address of a family, and an address or a port of the node at most one attachment: the
 * database itself refuses anything else, also from a second process. The address of a port is empty where it is all of
 * the node's.
 */
const tables = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE ranges (prefix TEXT PRIMARY KEY, last_used TEXT NOT NULL) STRICT;
  CREATE TABLE attachments (
    container_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserving', 'assigned')),
    deadline INTEGER NOT NULL,
    created INTEGER NOT NULL,
    sandbox TEXT NOT NULL,
    pod_namespace TEXT NOT NULL,
    pod_name TEXT NOT NULL,
    pod_uid TEXT NOT NULL,
    PRIMARY KEY (container_id, interface)
  ) STRICT;
  CREATE TABLE addresses (
    address TEXT PRIMARY KEY,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    container_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    UNIQUE (container_id, interface, family),
    FOREIGN KEY (container_id, interface) REFERENCES attachments ON DELETE CASCADE
  ) STRICT;
  CREATE TABLE host_ports (
    protocol TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp', 'sctp')),
    address TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    container_port INTEGER NOT NULL CHECK (container_port BETWEEN 1 AND 65535),
    container_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    PRIMARY KEY (protocol, port, address),
    FOREIGN KEY (container_id, interface) REFERENCES attachments ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX host_ports_of_attachment ON host_ports (container_id, interface);
  CREATE TABLE released (address TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`;

/**
 * WAL without a flush per transaction: a killed process loses nothing, and after a power cut the boot id differs and
 * every row is void anyway.
 */
export function configure(database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('PRAGMA foreign_keys = ON');
  database.exec('PRAGMA busy_timeout = 1000');
  database.exec('PRAGMA cache_size = -256');
}

export function createTables(database: DatabaseSync): void {
  database.exec(`BEGIN IMMEDIATE; ${tables} PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

/** 0 for a database without tables. */
export function versionOf(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  return row.user_version;
}
