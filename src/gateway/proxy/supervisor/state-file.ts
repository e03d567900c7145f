import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { sentenceOf } from '../../../base/errors.ts';
import type { RouteTable } from '../../table.ts';

const format = 1;

/** The last good table, with private keys in it: for its owner alone. A reader sees the old one or the whole new one. */
export function writeState(file: string, table: RouteTable): void {
  writeFileSync(`${file}.new`, JSON.stringify({ format, table }), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Undefined where there is none; one that cannot be read is told of, and counts as none. */
export function readState(file: string, onUnreadable: (reason: string) => void): RouteTable | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onUnreadable(sentenceOf(error));
    return undefined;
  }
  try {
    const { format: found, table } = JSON.parse(text) as { format: number; table: RouteTable };
    if (found === format && hasSections(table)) return table;
    onUnreadable('it is of another format');
  } catch (error) {
    onUnreadable(sentenceOf(error));
  }
  return undefined;
}

/** Whether what was read as a table is one as far as its sections go. */
export function hasSections(table: RouteTable): boolean {
  const sections: readonly unknown[] = [table.listeners, table.hosts, table.certificates, table.backends];
  return sections.every(section => typeof section === 'object' && section !== null);
}
