import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../../base/errors.ts';

/** Writes files into a directory, which is made where it is not there. Throws `migrate/unwritable`. */
export function writeDirectory(directory: string, files: ReadonlyMap<string, string>): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(directory, name), text);
  } catch (cause) {
    throw new FairleadError('migrate/unwritable', `${directory} cannot be written`, {
      field: '--output-directory',
      hint: 'Name a directory that may be written, or leave the option away for standard output.',
      cause,
    });
  }
}
