import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { emptyTable } from '../../compile-delta.ts';
import { readState, writeState } from './state-file.ts';

function stateFile(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-proxy-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'table.json');
}

test('a table is read as it was written, and its file is for its owner alone', context => {
  const file = stateFile(context);
  writeState(file, emptyTable);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readState(file, assert.fail), emptyTable);
});

for (const text of [
  '',
  'null',
  '{"format":1}',
  '{"format":1,"table":null}',
  '{"format":1,"table":{"listeners":null,"hosts":{},"certificates":{},"backends":{}}}',
  JSON.stringify({ format: 2, table: emptyTable }),
])
  test(`a file that holds ${JSON.stringify(text.slice(0, 50))} is told of, and counts as none`, context => {
    const file = stateFile(context);
    writeFileSync(file, text);
    const told: string[] = [];
    assert.equal(
      readState(file, reason => void told.push(reason)),
      undefined,
    );
    assert.equal(told.length, 1);
  });
