/**
 * Compiles every module once into Node's compile cache, so that no process of a cluster has to load the type stripper: it
 * costs each of them 10 MB and 50 ms that never come back. Imports have no side effects in this house; entries start
 * only as a process's main module. Run by setup.sh with the V8 flags that the processes run with.
 */
import { globSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
/** The top of the command line parses what it is given as soon as it is imported; its commands are covered. */
const startsAtOnce = new Set(['src/cli/main.ts', 'src/entry/kernel-worker.ts']);

for (const file of globSync('src/**/*.ts', {
  cwd: root,
  exclude: ['**/*.test.ts', 'src/standalone/images/builtin/**'],
})) {
  if (!startsAtOnce.has(file)) await import(resolve(root, file));
}
flushCompileCache();
process.exit(0);
