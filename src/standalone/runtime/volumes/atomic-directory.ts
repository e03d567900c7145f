import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Payload } from './payload.ts';

const DATA = '..data';
const NEXT = '..data_next';

/**
 * Makes the files of `directory` be the payload, all at one moment: readers go through the link `..data`, which is
 * replaced by a rename, as the kubelet does it. Nothing is written when nothing changed. Returns whether it did.
 */
export function writeAtomically(directory: string, payload: Payload, group: number | undefined): boolean {
  const current = linkTarget(join(directory, DATA));
  const isNew = current === undefined || !holds(join(directory, current), payload);
  if (isNew) {
    // Of an attempt that was cut off.
    removeAllBut(directory, current);
    const next = `..${randomBytes(6).toString('hex')}`;
    writePayload(join(directory, next), payload, group);
    symlinkSync(next, join(directory, NEXT));
    renameSync(join(directory, NEXT), join(directory, DATA));
    removeAllBut(directory, next);
  }
  linkNames(directory, payload);
  return isNew;
}

/** Payloads and links that nothing leads to. */
function removeAllBut(directory: string, current: string | undefined): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith('..') || name === DATA || name === current) continue;
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function writePayload(root: string, payload: Payload, group: number | undefined): void {
  mkdirSync(root, { mode: 0o755 });
  for (const [path, file] of payload) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
    writeFileSync(full, file.data, { mode: 0o600 });
    if (group !== undefined) chownSync(full, 0, group);
    // fsGroup makes files readable for the group (core/v1 PodSecurityContext.fsGroup).
    chmodSync(full, group === undefined ? file.mode : file.mode | ((file.mode & 0o400) >> 3));
  }
}

/** The names at the top lead through `..data`; names that are gone go last. */
function linkNames(directory: string, payload: Payload): void {
  const wanted = new Set([...payload.keys()].map(path => path.split('/')[0] as string));
  const present = new Set(readdirSync(directory).filter(name => !name.startsWith('..')));
  for (const name of wanted) if (!present.has(name)) symlinkSync(join(DATA, name), join(directory, name));
  for (const name of present) if (!wanted.has(name)) rmSync(join(directory, name), { force: true });
}

function holds(root: string, payload: Payload): boolean {
  let files = 0;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) files += 1;
  if (files !== payload.size) return false;
  return [...payload].every(([path, file]) => {
    const full = join(root, path);
    try {
      return readFileSync(full).equals(file.data) && ((statSync(full).mode ^ file.mode) & 0o707) === 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  });
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
