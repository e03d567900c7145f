import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { clusterFiles } from '../../cluster.ts';

const tailBytes = 16 * 1024;
const errorLevel = 50;
const nextStep = '  next:   ';

export interface LoggedError {
  readonly sentence: string;
  readonly hint?: string;
}

/**
 * The last error that a process of a cluster logged since a time (milliseconds since the epoch); undefined where there is
 * none. Of a program that is not ours, and logs plain lines, it is the last line.
 */
export function lastErrorIn(cluster: string, component: string, since: number): LoggedError | undefined {
  const lines = tailOf(clusterFiles.log(cluster, component))
    .split('\n')
    .filter(line => line.trim() !== '');
  const last = lines.at(-1);
  if (last !== undefined && !lines.some(line => line.startsWith('{')))
    return { sentence: last.slice(0, 400) };
  for (const line of lines.toReversed()) {
    const found = errorOf(line, since);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A JSON line of level error or above, or an exception that Node printed. */
function errorOf(line: string, since: number): LoggedError | undefined {
  if (!line.startsWith('{'))
    return /^(\w*Error|fairlead)\b.*: /.test(line) ? { sentence: line.slice(0, 400) } : undefined;
  try {
    const entry = JSON.parse(line) as {
      readonly level?: number;
      readonly time?: string;
      readonly msg?: string;
      readonly error?: unknown;
    };
    if ((entry.level ?? 0) < errorLevel || Date.parse(entry.time ?? '') < since) return undefined;
    // The top of a process logs what `describeError` says: the sentence, then lines with object, field and next step.
    const lines = [entry.error].flat().filter(words => typeof words === 'string');
    const hint = lines.find(words => words.startsWith(nextStep))?.slice(nextStep.length);
    return { sentence: lines[0] ?? entry.msg ?? line, ...(hint === undefined ? {} : { hint }) };
  } catch {
    return undefined; // a line that was cut
  }
}

function tailOf(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    const length = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}
