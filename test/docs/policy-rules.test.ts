/** The page that says which test holds which rule of the policy APIs is held to the tests. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/reference/policy-rules.md'), 'utf8');
const tests = globSync(['src/policy/*.test.ts', 'test/{netns,property}/policy-*.test.ts'], { cwd: root })
  .map(file => readFileSync(join(root, file), 'utf8'))
  .join('\n')
  // Tests of a table have the family in their name.
  .replaceAll('(IPv${family === 0 ? 4 : 6})', '(IPv4)`(IPv6)');

test('every rule of the policy APIs names a test that is there', () => {
  const rows = page
    .split('\n')
    .filter(line => /\| (engine|kernel|property) \|/.test(line))
    .map(line => line.split('|')[3]?.trim() ?? '');
  assert.ok(rows.length > 60, 'the page has its tables');
  const missing = rows.filter(name => !tests.includes(name.replace(' (IPv6)', ' (IPv4)')));
  assert.deepEqual(missing, []);
});
