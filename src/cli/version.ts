import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `fairlead VERSION (Node VERSION)` */
export function versionText(): string {
  const file = join(import.meta.dirname, '..', '..', 'package.json');
  const description = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return `fairlead ${description.version} (Node ${process.versions.node})`;
}
