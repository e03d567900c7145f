import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Container } from '../../../kube/types/core.ts';
import type { Ending } from './records.ts';
import { parseLogLine } from '../streams/log-line.ts';

const LIMIT = 4096;
const FALLBACK_LINES = 80;
const FALLBACK_LIMIT = 2048;

/** What a container that has ended says about it (core/v1 Container.terminationMessagePath and -Policy). */
export function terminationMessage(
  container: Container,
  ending: Ending,
  message: string,
  log: string,
): string {
  if (ending.message !== '') return ending.message;
  const written = readStart(message, LIMIT);
  if (written !== '') return written;
  if (container.terminationMessagePolicy !== 'FallbackToLogsOnError' || ending.exitCode === 0) return '';
  const lines = readOr(log).trimEnd().split('\n').slice(-FALLBACK_LINES);
  return lines
    .map(line => parseLogLine(line)?.content ?? '')
    .join('\n')
    .slice(-FALLBACK_LIMIT);
}

function readStart(path: string, limit: number): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const bytes = Buffer.alloc(limit);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, limit, 0));
  } finally {
    closeSync(fd);
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
