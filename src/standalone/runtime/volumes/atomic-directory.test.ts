import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeAtomically } from './atomic-directory.ts';

const payload = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode: 0o644 }]));

function inDirectory(run: (directory: string) => void): () => void {
  return () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-volume-'));
    try {
      run(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

test(
  'a volume has the files of its payload, and only the newest payload is kept',
  inDirectory(directory => {
    assert.equal(writeAtomically(directory, payload({ a: '1', 'deep/b': '2' }), undefined), true);
    assert.equal(readFileSync(join(directory, 'deep/b'), 'utf8'), '2');
    assert.equal(writeAtomically(directory, payload({ a: '1', 'deep/b': '2' }), undefined), false);
    assert.equal(writeAtomically(directory, payload({ c: '3' }), undefined), true);
    assert.deepEqual(
      readdirSync(directory).filter(name => !name.startsWith('..')),
      ['c'],
    );
    assert.equal(
      readdirSync(directory).filter(name => name.startsWith('..')).length,
      2,
      'a payload and its link',
    );
  }),
);

test(
  'an attempt that was cut off at any point does not keep the next one from being whole',
  inDirectory(directory => {
    writeAtomically(directory, payload({ a: '1' }), undefined);
    mkdirSync(join(directory, '..half'));
    symlinkSync('..half', join(directory, '..data_next'));
    assert.equal(writeAtomically(directory, payload({ a: '2', b: '3' }), undefined), true);
    assert.equal(readFileSync(join(directory, 'a'), 'utf8'), '2');
    assert.equal(readdirSync(directory).includes('..half'), false);
    // Cut off between the new payload and the names that lead to it.
    rmSync(join(directory, 'b'));
    assert.equal(writeAtomically(directory, payload({ a: '2', b: '3' }), undefined), false);
    assert.equal(readFileSync(join(directory, 'b'), 'utf8'), '3');
  }),
);
