/** The in-cluster product must stand alone: type-checks a copy of the sources from which standalone and its users are removed. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
/** What exists only for standalone: the folder, the processes that compose it, and the CLI that drives it. */
const removed = [
  'src/standalone',
  'src/entry/standalone.ts',
  'src/entry/runtime.ts',
  'src/entry/supervisor.ts',
  'src/cli',
];

const copy = mkdtempSync(join(tmpdir(), 'fairlead-without-standalone-'));
try {
  cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
  for (const path of removed) rmSync(join(copy, path), { recursive: true, force: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(
    join(copy, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
      include: ['src'],
    }),
  );
  const result = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', copy], { encoding: 'utf8' });
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  process.exitCode = result.status ?? 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
