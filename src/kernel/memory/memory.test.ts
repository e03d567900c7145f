import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

/** Many small allocations, of which every thousandth stays: what connections leave behind. */
const program = `
  const { releaseFreedMemory } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
  releaseFreedMemory();
  let all = Array.from({ length: 60_000 }, () => new ArrayBuffer(2000));
  const kept = all.filter((_, index) => index % 1000 === 999);
  all = undefined;
  gc();
  const before = process.memoryUsage.rss();
  let after = before;
  // Buffers are freed by another thread, some time after their collection.
  for (const end = Date.now() + 20_000; before - after < 60e6 && Date.now() < end; gc()) {
    releaseFreedMemory();
    after = process.memoryUsage.rss();
  }
  console.log(JSON.stringify({ before, after, kept: kept.length }));
`;

test('what was freed between allocations that stay goes back to the kernel', () => {
  const words = ['--expose-gc', '--input-type=module', '--eval', program];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  assert.equal(stderr, '');
  const { before, after } = JSON.parse(stdout) as { before: number; after: number };
  const released = Math.round((before - after) / 1e6);
  assert.ok(released > 60, `of 120 MB that were freed, ${released} MB went back`);
});
