import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

const sources = [
  new URL('./builtin/echo.ts', import.meta.url),
  new URL('./builtin/echo.js', import.meta.url),
];

/**
 * Writes the built-in programs as plain JavaScript to `directory`, for containers to run: a pod then loads no type
 * stripper, which would cost it 20 MB and 50 ms.
 */
export function preparePrograms(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const file = join(directory, 'echo.mjs');
  writeFileSync(`${file}.new`, readProgram(), { mode: 0o644 });
  renameSync(`${file}.new`, file);
}

/** TypeScript in a checkout, JavaScript in a built package. */
function readProgram(): string {
  const [typescript, javascript] = sources;
  if (import.meta.url.endsWith('.ts')) return stripTypeScriptTypes(readFileSync(typescript as URL, 'utf8'));
  return readFileSync(javascript as URL, 'utf8');
}
