import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { programFiles } from './program-files.ts';
import { preparePrograms } from './programs.ts';

const sources = resolve(import.meta.dirname, '..', '..');
const proxy = programFiles(sources, [
  join(sources, 'entry/proxy.ts'),
  join(sources, 'entry/proxy-worker.ts'),
]);

test('the proxy needs nothing but Node and its own files, so that it runs where no packages are', () => {
  for (const [name, text] of proxy) {
    for (const [, specifier = ''] of text.matchAll(/(?:\bfrom |\bimport\(|^import )'([^']+)'/gm)) {
      assert.match(specifier, /^(node:|\.{1,2}\/.*\.mjs$)/, `${name} imports ${specifier}`);
      if (!specifier.startsWith('node:'))
        assert.ok(proxy.has(join(name, '..', specifier)), `${specifier} of ${name} came along`);
    }
  }
});

test('the proxy’s workers, which read what the world sends, have no way into the kernel', () => {
  const worker = programFiles(sources, [join(sources, 'entry/proxy-worker.ts')]);
  assert.deepEqual(
    [...worker.keys()].filter(name => name.startsWith('kernel/') || name.startsWith('kube/')),
    [],
  );
});

test('prepared programs run as they are', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-programs-'));
  context.after(() => rmSync(directory, { recursive: true }));
  preparePrograms(directory);
  assert.ok(existsSync(join(directory, 'echo.mjs')));
  const ran = spawnSync(process.execPath, [join(directory, 'proxy/entry/proxy.mjs')], { encoding: 'utf8' });
  assert.equal(ran.status, 1);
  assert.match(ran.stdout, /gateway\/no-gateway/, 'it starts, and says what it lacks');
});
