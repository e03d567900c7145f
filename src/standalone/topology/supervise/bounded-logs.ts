import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Bounds the logs in a directory: a `.log` of more than `bytes` becomes `.log.old` (one is kept) and starts again empty.
 * Copied and cut, not renamed: the writers keep their descriptor, which appends.
 */
export function boundLogs(directory: string, bytes: number): void {
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.log')) continue;
    const file = join(directory, name);
    if (statSync(file).size <= bytes) continue;
    copyFileSync(file, `${file}.old`);
    truncateSync(file, 0);
  }
}
