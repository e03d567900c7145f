import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative } from 'node:path';

/**
 * A program of ours with every file that it imports, as plain JavaScript by its path below `root` (ending in .mjs). It has
 * to import nothing but Node's own modules and relative files: what runs in a container sees no installed packages.
 * TypeScript in a checkout, JavaScript in a built package.
 */
export function programFiles(root: string, entries: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const name = moduleName(relative(root, file));
    if (files.has(name)) continue;
    const source = readFileSync(file, 'utf8');
    const text = file.endsWith('.ts') ? stripTypeScriptTypes(source) : source;
    for (const [, specifier = ''] of text.matchAll(imported)) waiting.push(join(dirname(file), specifier));
    files.set(
      name,
      text.replaceAll(imported, statement => statement.replace(/\.[jt]s(?=')/, '.mjs')),
    );
  }
  return files;
}

/** `from './x.ts'`, `import './x.ts'`, `import('./x.ts')`. */
const imported = /(?:\bfrom |\bimport |\bimport\()'(\.{1,2}\/[^']+\.[jt]s)'/g;

const moduleName = (file: string): string => file.replace(/\.[jt]s$/, '.mjs');
