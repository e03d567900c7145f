import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Prints `fairlead VERSION (Node VERSION, Linux VERSION)`. */
export function version(): void {
  const file = join(import.meta.dirname, '..', '..', 'package.json');
  const description = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  process.stdout.write(`fairlead ${description.version} (Node ${process.versions.node})\n`);
}
