import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultForm, readSnapshot, writeSnapshot } from './snapshot.ts';

test('a snapshot is read as it was written; none is none; a damaged one is told of', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'dns.json');
  const told: string[] = [];
  const read = () => readSnapshot(file, defaultForm, reason => told.push(reason));
  assert.equal(read(), undefined);
  assert.deepEqual(told, []);
  const snapshot = { at: 5, form: defaultForm, input: { namespaces: ['default'], services: [], slices: [] } };
  writeSnapshot(file, snapshot);
  assert.deepEqual(read(), snapshot);
  for (const text of [
    '',
    '{',
    '{"format":1,"at":1,"input":{}}',
    JSON.stringify({ format: 2, at: 1, form: defaultForm, input: { namespaces: 3 } }),
    'null',
  ]) {
    writeFileSync(file, text);
    assert.equal(read(), undefined, text);
  }
  assert.equal(told.length, 5);
});

test('a snapshot of endpoints by other rules is none', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'dns.json');
  writeSnapshot(file, { at: 5, form: 'another', input: { namespaces: [], services: [], slices: [] } });
  assert.equal(
    readSnapshot(file, defaultForm, () => assert.fail('it is not damaged')),
    undefined,
  );
});
