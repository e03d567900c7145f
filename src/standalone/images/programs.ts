import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { programFiles } from './program-files.ts';

const builtin = join(import.meta.dirname, 'builtin');
const sources = resolve(import.meta.dirname, '..', '..');
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * Writes the built-in programs as plain JavaScript to `directory`, for containers to run: a pod then loads no type
 * stripper, which would cost it 20 MB and 50 ms. Every file of `builtin/` becomes NAME.mjs; the proxy, which is a program of
 * the product itself, is a tree of its own below `proxy/`.
 */
export function preparePrograms(directory: string): void {
  const builtins = readdirSync(builtin).filter(name => /^[a-z0-9-]+\.(ts|js)$/.test(name));
  prepare(directory, builtin, builtins);
  const entries = ['proxy', 'proxy-worker'].map(name => join('entry', name + extension));
  prepare(join(directory, 'proxy'), sources, entries);
}

function prepare(directory: string, root: string, entries: readonly string[]): void {
  const files = programFiles(
    root,
    entries.map(entry => join(root, entry)),
  );
  for (const [name, text] of files) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(`${file}.new`, text, { mode: 0o644 });
    renameSync(`${file}.new`, file);
  }
}
