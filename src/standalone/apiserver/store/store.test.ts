import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { FairleadError } from '../../../base/errors.ts';
import type { ApiObject } from '../object.ts';
import { openDurableLog } from './durable-log.ts';
import type { DurableLog } from './durable-log.ts';
import type { Change } from './entry.ts';
import { Store } from './store.ts';

const object = (name: string, value: number): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name },
  value,
});

const put = (store: Store, name: string, value: number) =>
  store.write('/things', name, () => ({ do: 'put', object: object(name, value) }));

const remove = (store: Store, name: string) =>
  store.write('/things', name, current => ({ do: 'remove', object: current?.object ?? object(name, 0) }));

/** A log in memory that can be told to fail. */
class FakeLog implements DurableLog {
  readonly revision = 0;
  readonly appended: Change[] = [];
  appendError: Error | undefined;
  syncError: Error | undefined;
  syncs = 0;
  hold: Promise<void> = Promise.resolve();
  *load() {}
  append(changes: readonly Change[]): void {
    if (this.appendError !== undefined) throw this.appendError;
    this.appended.push(...changes);
  }
  async sync(): Promise<void> {
    this.syncs++;
    await this.hold;
    if (this.syncError !== undefined) throw this.syncError;
  }
  compact(): void {}
  close(): void {}
}

function inDirectory(run: (file: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-store-'));
    try {
      await run(join(directory, 'store.db'));
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

const nextTurn = () => new Promise(resolve => setImmediate(resolve));

test('the next writer sees a write at once, readers and watchers once it is committed', async () => {
  const log = new FakeLog();
  const store = new Store(log, 'fake');
  const seen: Change[] = [];
  store.watch('/things', change => seen.push(change));
  const first = put(store, 'a', 1);
  assert.equal(store.get('/things', 'a'), undefined);
  assert.equal(store.newest('/things', 'a')?.object['value'], 1);
  assert.deepEqual([seen.length, store.revision], [0, 0]);
  const written = await first;
  assert.equal(store.get('/things', 'a'), written.entry);
  assert.deepEqual([seen[0]?.type, store.revision], ['ADDED', 1]);
});

test('a write is acknowledged once it is flushed; what changes nothing waits for what it kept', async () => {
  const log = new FakeLog();
  const disk = Promise.withResolvers<void>();
  log.hold = disk.promise;
  const store = new Store(log, 'fake');
  const acknowledged: string[] = [];
  const writes = [
    put(store, 'a', 1).then(() => acknowledged.push('put')),
    nextTurn()
      .then(() =>
        store.write('/things', 'a', current => ({ do: 'keep', object: current?.object ?? object('a', 0) })),
      )
      .then(() => acknowledged.push('keep')),
  ];
  await nextTurn();
  await nextTurn();
  assert.equal(store.get('/things', 'a')?.object['value'], 1);
  assert.deepEqual(acknowledged, []);
  disk.resolve();
  await Promise.all(writes);
  assert.deepEqual(new Set(acknowledged), new Set(['keep', 'put']));
});

test('after a flush that failed nothing is acknowledged and nothing more is written', async () => {
  const log = new FakeLog();
  const store = new Store(log, 'fake');
  log.syncError = new Error('input/output error');
  await assert.rejects(put(store, 'a', 1), /input\/output error/);
  assert.equal(store.isWell, false);
  await assert.rejects(put(store, 'b', 1), /input\/output error/);
  assert.equal(log.appended.length, 1);
});

test('writes that come together share one flush and keep their order', async () => {
  const log = new FakeLog();
  const store = new Store(log, 'fake');
  await Promise.all(Array.from({ length: 100 }, (_, index) => put(store, `n${index}`, index)));
  assert.equal(log.syncs, 1);
  assert.deepEqual(
    log.appended.map(change => change.after.revision),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test('a write that the disk refuses is undone, reading goes on, and the next write succeeds', async () => {
  const log = new FakeLog();
  const store = new Store(log, 'fake');
  await put(store, 'a', 1);
  let lost = 0;
  store.onLost(() => lost++);
  log.appendError = new FairleadError('store/disk-full', 'full');
  const failing = [put(store, 'a', 2), put(store, 'b', 1)];
  for (const outcome of await Promise.allSettled(failing)) assert.equal(outcome.status, 'rejected');
  assert.equal(lost, 1);
  assert.equal(store.newest('/things', 'a')?.object['value'], 1);
  assert.equal(store.newest('/things', 'b'), undefined);
  log.appendError = undefined;
  await put(store, 'b', 3);
  assert.equal(store.get('/things', 'b')?.object['value'], 3);
});

test('an earlier state can be listed as long as the changes since are known', async () => {
  const store = new Store(new FakeLog(), 'fake', { changes: 4, characters: 1_000_000 });
  await put(store, 'a', 1);
  await put(store, 'b', 1);
  await remove(store, 'a');
  await put(store, 'b', 2);
  await put(store, 'c', 1);
  const at = (revision: number) =>
    store
      .list('/things', '', '', revision)
      ?.entries.map(entry => `${entry.key}=${String(entry.object['value'])}`);
  assert.deepEqual(at(5), ['b=2', 'c=1']);
  assert.deepEqual(at(2), ['a=1', 'b=1']);
  assert.deepEqual(at(1), ['a=1']);
  assert.equal(at(0), undefined);
});

test(
  'what was acknowledged is there when the file is opened again, deletions included',
  inDirectory(async file => {
    const store = new Store(openDurableLog(file), file);
    await put(store, 'a', 1);
    await put(store, 'b', 1);
    await put(store, 'a', 2);
    await remove(store, 'b');
    await store.close();
    const again = new Store(openDurableLog(file), file);
    assert.equal(again.revision, 4);
    assert.equal(again.get('/things', 'a')?.object['value'], 2);
    assert.equal(again.get('/things', 'b'), undefined);
    again.compact();
    await again.close();
  }),
);

test(
  'a damaged, foreign or newer store is refused with a next step, and left as it is',
  inDirectory(file => {
    const codeOf = () => {
      try {
        openDurableLog(file).close();
        return 'opened';
      } catch (error) {
        assert.ok(error instanceof FairleadError);
        assert.ok(error.hint !== undefined);
        return error.code;
      }
    };
    writeFileSync(
      file,
      'this is no database, but it is long enough to have a header of one hundred bytes, or so. '.repeat(20),
    );
    const before = readFileSync(file);
    assert.equal(codeOf(), 'store/corrupt');
    assert.deepEqual(readFileSync(file), before);
    rmSync(file);
    const foreign = new DatabaseSync(file);
    foreign.exec('CREATE TABLE theirs (a)');
    foreign.close();
    assert.equal(codeOf(), 'store/foreign');
    rmSync(file);
    openDurableLog(file).close();
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    assert.equal(codeOf(), 'store/newer');
  }),
);

test(
  'a store with a broken page or a broken object is refused',
  inDirectory(async file => {
    const store = new Store(openDurableLog(file), file);
    for (let index = 0; index < 200; index++) await put(store, `n${index}`, index);
    await store.close();
    const bytes = readFileSync(file);
    const broken = Buffer.from(bytes);
    broken.fill(0xa5, 4096 * 2, 4096 * 4);
    writeFileSync(file, broken);
    const opening = () => new Store(openDurableLog(file), file);
    assert.throws(opening, { code: 'store/corrupt' });
    assert.deepEqual(readFileSync(file), broken);
    writeFileSync(file, bytes);
    const database = new DatabaseSync(file);
    database.exec("UPDATE object SET text = '{\"half\":' WHERE key = 'n7'");
    database.close();
    assert.throws(opening, { code: 'store/corrupt' });
  }),
);

test(
  'a damaged store is left as it is with its write-ahead log, which may be all that is good',
  inDirectory(async file => {
    const log = openDurableLog(file);
    const store = new Store(log, file);
    for (let index = 0; index < 200; index++) await put(store, `n${index}`, index);
    // As kill -9 leaves it: what was written is in the write-ahead log alone.
    const parts = [file, `${file}-wal`] as const;
    const [table, wal] = [readFileSync(parts[0]), readFileSync(parts[1])];
    await store.close();
    const garbage = Buffer.alloc(wal.length, 'garbage ');
    for (const contents of [
      [garbage, garbage],
      [table, garbage],
    ] as const) {
      for (const index of [0, 1] as const) writeFileSync(parts[index], contents[index]);
      rmSync(`${file}-shm`, { force: true });
      assert.throws(() => openDurableLog(file), { code: 'store/corrupt' });
      for (const index of [0, 1] as const) assert.deepEqual(readFileSync(parts[index]), contents[index]);
    }
    for (const [index, contents] of [table, wal].entries()) writeFileSync(parts[index] ?? '', contents);
    rmSync(`${file}-shm`, { force: true });
    const again = openDurableLog(file);
    assert.equal([...again.load()].length, 200);
    again.close();
  }),
);

test(
  'a second process cannot open the same store',
  inDirectory(async file => {
    const store = new Store(openDurableLog(file), file);
    assert.throws(() => openDurableLog(file), { code: 'store/in-use' });
    await store.close();
    openDurableLog(file).close();
  }),
);
