/** The reference of errors is held to the source: a code that nobody can meet any more has no row. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
const rows = page.split('\n').filter(line => line.startsWith('| `'));
const documented = rows.flatMap(row =>
  [...(row.split('|')[1] ?? '').matchAll(/`([a-z0-9-]+\/[a-z0-9-]+)`/g)].map(match => match[1] ?? ''),
);
const source = globSync('src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts'] })
  .map(file => readFileSync(join(root, file), 'utf8'))
  .join('\n');

/** `system/enospc` is made from the name of the system's error. */
const isInSource = (code: string): boolean => {
  const [area, what = ''] = code.split('/');
  return source.includes(`'${code}'`) || (area === 'system' && source.includes(`${what.toUpperCase()}: {`));
};

test('every error code of the reference exists, once, and each has a next step', () => {
  assert.ok(documented.length > 50, 'the page has its tables');
  assert.deepEqual(
    documented.filter(code => !isInSource(code)),
    [],
  );
  assert.equal(new Set(documented).size, documented.length, 'a code has one row');
  for (const row of rows) assert.ok((row.split('|')[3] ?? '').trim() !== '', row);
});

test('what the command line itself refuses is in the reference', () => {
  const own = globSync(['src/cli/**/*.ts', 'src/standalone/cluster.ts', 'src/standalone/topology/**/*.ts'], {
    cwd: root,
    exclude: ['**/*.test.ts'],
  }).flatMap(file =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/FairleadError\(\s*'([a-z0-9-]+\/[a-z0-9-]+)'/g)].map(
      match => match[1] ?? '',
    ),
  );
  assert.ok(own.length > 20);
  // Internal: the sentence reaches people only inside of another error.
  const inner = new Set(['process/not-started']);
  assert.deepEqual(
    [...new Set(own)].filter(code => !inner.has(code) && !documented.includes(code)),
    [],
  );
});
