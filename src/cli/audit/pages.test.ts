import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { allChecks } from '../../insight/audit/index.ts';
import { pageOf } from './page.ts';

const directory = join(import.meta.dirname, '..', '..', '..', 'docs', 'reference', 'findings');

// After a change of words: WRITE=1 node --test src/cli/audit/pages.test.ts
if (process.env['WRITE'] === '1')
  for (const check of allChecks) writeFileSync(join(directory, `${check.code}.md`), pageOf(check));

test('every check has its page, with the words of the catalogue', () => {
  for (const check of allChecks)
    assert.equal(readFileSync(join(directory, `${check.code}.md`), 'utf8'), pageOf(check));
});

test('no page speaks of a check that is not there', () => {
  const codes = new Set(allChecks.map(({ code }) => `${code}.md`));
  assert.deepEqual(
    readdirSync(directory).filter(file => !codes.has(file)),
    [],
  );
});
