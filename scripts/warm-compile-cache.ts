/**
 * Compiles every module once into Node's compile cache, so that no process of a cluster has to load the type stripper: it
 * costs each of them 10 MB and 50 ms that never come back. Modules have no side effects when they are imported, and
 * entries start only as a process's main module. The cache is kept by V8 flags: once for the processes of a cluster, and
 * once for the command line.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { nodeFlags } from '../src/standalone/topology/supervise/process-spec.ts';

const root = resolve(import.meta.dirname, '..');
/** The top of the command line parses its arguments as soon as it is imported; running it compiles it. */
const commandLine = 'src/cli/main.ts';

if (process.argv[2] === 'import-all') {
  const exclude = ['**/*.test.ts', 'src/standalone/images/builtin/**', commandLine];
  for (const file of globSync('src/**/*.ts', { cwd: root, exclude })) await import(resolve(root, file));
  flushCompileCache();
  process.exit(0);
}
const runs = [
  [...nodeFlags, import.meta.filename, 'import-all'],
  ['--disable-warning=ExperimentalWarning', import.meta.filename, 'import-all'],
  ['--disable-warning=ExperimentalWarning', resolve(root, commandLine), 'version'],
];
for (const run of runs) {
  const { status } = spawnSync(process.execPath, run, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(1);
}
