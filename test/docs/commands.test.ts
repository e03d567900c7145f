/**
 * The documentation's commands are run as they stand. In README.md and docs/, a fenced block marked `sh` is a promise: all
 * such blocks of a page run in order in one shell, from the repository's root, against a cluster of the test's own; any
 * command that fails, fails the page. Blocks marked otherwise (text, yaml) are not run.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const cluster = 'docs';
const environment = { ...process.env, FAIRLEAD_CLUSTER: cluster, NO_COLOR: '1' };

/** Commands that the test stands in for: they are what runs it, or what it has done already. */
const coveredElsewhere = /^npm (start|test|stop)\b/;

const kubectl = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
const skip = kubectl.status === 0 ? false : 'kubectl is not on the PATH';

function shellBlocks(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? '');
}

function run(script: string, directory: string) {
  return spawnSync('bash', ['-c', script], {
    cwd: root,
    encoding: 'utf8',
    timeout: 300_000,
    env: { ...environment, HOME: directory },
  });
}

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root }).toSorted()].filter(
  page => shellBlocks(page).length > 0,
);

let home = '';
before(() => {
  home = mkdtempSync(join(tmpdir(), 'fairlead-docs-'));
});
after(() => {
  spawnSync('./fairlead', ['down'], { cwd: root, env: environment });
  rmSync(home, { recursive: true, force: true });
});

for (const page of pages) {
  test(`every command in ${page} works as written`, { skip }, () => {
    const up = run('./fairlead up', home);
    assert.equal(up.status, 0, `a cluster comes up for the page:\n${up.stdout}${up.stderr}`);
    const lines = shellBlocks(page).join('\n').split('\n');
    const script = lines.filter(line => !coveredElsewhere.test(line)).join('\n');
    const result = run(`set -euo pipefail\nset -x\n${script}`, home);
    assert.equal(
      result.status,
      0,
      `the last lines of ${page} as it ran:\n${tail(result.stdout)}\n${tail(result.stderr)}`,
    );
  });
}

function tail(text: string): string {
  return text.split('\n').slice(-25).join('\n');
}
