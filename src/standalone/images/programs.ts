import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

const directoryOfSources = new URL('./builtin/', import.meta.url);

/**
 * Writes the built-in programs as plain JavaScript to `directory`, for containers to run: a pod then loads no type
 * stripper, which would cost it 20 MB and 50 ms. Every file of `builtin/` becomes NAME.mjs beside the others.
 */
export function preparePrograms(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const source of readdirSync(directoryOfSources)) {
    if (!/^[a-z0-9-]+\.(ts|js)$/.test(source)) continue;
    const file = join(directory, source.replace(/\.(ts|js)$/, '.mjs'));
    writeFileSync(`${file}.new`, readProgram(source), { mode: 0o644 });
    renameSync(`${file}.new`, file);
  }
}

/** TypeScript in a checkout, JavaScript in a built package; imports of one another follow the new names. */
function readProgram(source: string): string {
  const text = readFileSync(new URL(source, directoryOfSources), 'utf8');
  const plain = source.endsWith('.ts') ? stripTypeScriptTypes(text) : text;
  return plain.replace(/((?:from |import\()['"]\.\/[a-z0-9-]+)\.(?:ts|js)(?=['"])/g, '$1.mjs');
}
