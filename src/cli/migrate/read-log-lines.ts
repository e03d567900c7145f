import { readFileSync, statSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';

const mostBytes = 256 * 1024 * 1024;

/** The lines of logs, of standard input for `-`. Throws `migrate/unreadable-log`. */
export function readLogLines(paths: readonly string[]): readonly string[] {
  return paths.flatMap(path => {
    try {
      if (path !== '-' && statSync(path).size > mostBytes) throw new Error('it is larger than 256 MiB');
      return readFileSync(path === '-' ? 0 : path, 'utf8').split('\n');
    } catch (cause) {
      throw new FairleadError('migrate/unreadable-log', `${path} cannot be read`, {
        field: '--access-log',
        hint: 'Give a file with lines of the controller’s access log, of at most 256 MiB.',
        cause,
      });
    }
  });
}
