import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

/** Runs a script with `log` in a process of its own. */
function logging(script: string, stdout: 'pipe' | number = 'pipe') {
  const log = `import { createLog } from ${JSON.stringify(new URL('log.ts', import.meta.url).href)};\n`;
  const args = [
    '--input-type=module-typescript',
    '-e',
    `${log}const log = createLog('test', 'debug');\n${script}`,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'inherit'], timeout: 20_000 });
  const ended = new Promise<number | null>(resolve => child.on('exit', resolve));
  return { child, ended };
}

async function linesOf(stream: NodeJS.ReadableStream | null): Promise<readonly Record<string, unknown>[]> {
  let text = '';
  for await (const chunk of stream ?? []) text += String(chunk);
  const lines = text.trimEnd().split('\n');
  return lines.map(line => JSON.parse(line) as Record<string, unknown>);
}

test('a line is an object with its level, time, scope, fields and sentence', async () => {
  const { child, ended } = logging("log.scope('part').warn({ pods: 3 }, 'three pods');");
  const [line] = await linesOf(child.stdout);
  assert.equal(await ended, 0);
  assert.equal(new Date(String(line?.['time'])).getFullYear() > 2000, true);
  assert.deepEqual(
    { ...line, time: '' },
    { level: 40, time: '', scope: 'test/part', pods: 3, msg: 'three pods' },
  );
});

test('the last line before the end of the process is written, whatever waits before it', async () => {
  const many = "for (let line = 0; line < 3000; line++) log.info({ line }, 'one of many');";
  const { child, ended } = logging(`${many} log.error({}, 'the last'); process.exit(3);`);
  const lines = await linesOf(child.stdout);
  assert.equal(await ended, 3);
  assert.equal(lines.length, 3001);
  assert.equal(lines.at(-1)?.['msg'], 'the last');
});

/** A named pipe, open in both directions so that neither end waits for the other. */
function namedPipe(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'log');
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', path]);
  return { path, descriptor: openSync(path, constants.O_RDWR) };
}

test('a reader that takes nothing blocks neither the process nor its end', async t => {
  const { descriptor } = namedPipe(t);
  const script = `
    const began = performance.now();
    for (let line = 0; line < 20_000; line++) log.info({ line }, 'one of many');
    process.exit(performance.now() - began < 5000 ? 0 : 1);`;
  const { ended } = logging(script, descriptor);
  assert.equal(await ended, 0);
  closeSync(descriptor);
});

test('what was dropped for a slow reader is counted', async t => {
  const { path, descriptor } = namedPipe(t);
  const script = "for (let line = 0; line < 20_000; line++) log.info({ line }, 'one of many');";
  const { ended } = logging(script, descriptor);
  const reading = linesOf(createReadStream(path));
  assert.equal(await ended, 0);
  closeSync(descriptor);
  const lines = await reading;
  const told = Number(/^(\d+) lines/.exec(String(lines.at(-1)?.['msg']))?.[1]);
  assert.ok(told > 0);
  assert.equal(lines.length - 1 + told, 20_000);
});

test('a full disk under the log does not end the process', async () => {
  const full = openSync('/dev/full', 'w');
  const { ended } = logging("log.info({}, 'lost'); setTimeout(() => log.info({}, 'lost too'), 10);", full);
  closeSync(full);
  assert.equal(await ended, 0);
});
