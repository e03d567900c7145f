import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Container } from '../../../kube/types/core.ts';
import type { Ending } from './records.ts';
import { parseLogLine } from '../streams/log-line.ts';

const LIMIT = 4096;
const FALLBACK_LINES = 80;
const FALLBACK_LIMIT = 2048;
/** Of the log, enough for so much content with the times before its lines. */
const LOG_BYTES = 64 << 10;

/** What a container that has ended says about it (core/v1 Container.terminationMessagePath and -Policy). */
export function terminationMessage(
  container: Container,
  ending: Ending,
  message: string,
  log: string,
): string {
  if (ending.message !== '') return ending.message;
  const written = readPart(message, LIMIT, 'start');
  if (written !== '') return written;
  if (container.terminationMessagePolicy !== 'FallbackToLogsOnError' || ending.exitCode === 0) return '';
  const lines = readPart(log, LOG_BYTES, 'end').trimEnd().split('\n').slice(-FALLBACK_LINES);
  return lines
    .map(line => parseLogLine(line)?.content ?? '')
    .join('\n')
    .slice(-FALLBACK_LIMIT);
}

/** At most so many bytes of a file, which may have grown to any size; '' when there is none. */
function readPart(path: string, limit: number, part: 'start' | 'end'): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const bytes = Buffer.alloc(limit);
    const offset = part === 'start' ? 0 : Math.max(0, fstatSync(fd).size - limit);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, limit, offset));
  } finally {
    closeSync(fd);
  }
}
