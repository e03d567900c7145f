import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONFIG_MAPS } from '../../src/kube/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { startApiProcess } from './api-process.ts';

const ROUNDS = 4;
const WRITERS = 16;

test('kill -9 at any moment loses no acknowledged write, and none comes back that was deleted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-crash-'));
  try {
    const expected = new Map<string, string | undefined>();
    for (let round = 0; round < ROUNDS; round++) {
      const server = await startApiProcess(directory);
      await assertPresent(server.client, expected);
      const writing = Array.from({ length: WRITERS }, (_, writer) =>
        write(server.client, `${round}-${writer}`, expected),
      );
      // Killed in full flow, each round at another point.
      await until(() => expected.size > (round + 1) * 150 + round * 37);
      await server.kill();
      await Promise.all(writing);
    }
    const server = await startApiProcess(directory);
    await assertPresent(server.client, expected);
    await server[Symbol.asyncDispose]();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** Creates, changes and deletes until the server is gone; `acknowledged` gets what was answered, and nothing else. */
async function write(
  client: KubeClient,
  name: string,
  acknowledged: Map<string, string | undefined>,
): Promise<void> {
  try {
    for (let count = 0; ; count++) {
      const key = `w-${name}-${count}`;
      const metadata = { name: key, namespace: 'default' };
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value: 'first' } } as const;
      await client.create(CONFIG_MAPS, object);
      acknowledged.set(key, 'first');
      if (count % 3 === 1) {
        acknowledged.delete(key); // unknown while the next answer is open
        await client.update(CONFIG_MAPS, { ...object, data: { value: 'second' } });
        acknowledged.set(key, 'second');
      } else if (count % 3 === 2) {
        acknowledged.delete(key);
        await client.delete(CONFIG_MAPS, metadata);
        acknowledged.set(key, undefined);
      }
    }
  } catch {
    // The server was killed: what was not answered may or may not be there.
  }
}

async function assertPresent(
  client: KubeClient,
  expected: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  const { items } = await client.list(CONFIG_MAPS, { namespace: 'default' });
  const present = new Map(items.map(item => [item.metadata?.name ?? '', item.data?.['value']]));
  for (const [name, value] of expected) assert.equal(present.get(name), value, `${name} after kill -9`);
}

async function until(isDone: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!isDone()) {
    assert.ok(Date.now() < deadline, 'the writers make no progress');
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('a damaged store ends the start with one sentence and a next step, and stays as it is', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-crash-'));
  try {
    const server = await startApiProcess(directory);
    await server[Symbol.asyncDispose]();
    const file = join(directory, 'store.db');
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 0, 64);
    writeFileSync(file, bytes);
    await assert.rejects(startApiProcess(directory), (error: Error) => {
      assert.match(error.message, /^The store .*store\.db is damaged/);
      assert.match(error.message, /next: {3}Move the file away/);
      assert.match(error.message, /code: {3}store\/corrupt/);
      return true;
    });
    assert.deepEqual(readFileSync(file), bytes);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
