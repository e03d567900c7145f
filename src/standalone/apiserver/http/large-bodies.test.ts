import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { readBody } from './body.ts';
import { LARGE, LargeBodies } from './large-bodies.ts';

const turn = () => new Promise(resolve => setImmediate(resolve));

test('four large bodies are read at a time, small ones always, and whoever goes gives up its place', async () => {
  const places = new LargeBodies();
  const held: (() => void)[] = [];
  let read = 0;
  const send = (size: number, ends = true) => {
    const stream = new PassThrough({ highWaterMark: 10 * LARGE });
    const body = readBody(stream, { take: () => places.take(), held: release => held.push(release) });
    body.then(
      () => read++,
      () => undefined,
    );
    stream.write(Buffer.alloc(size));
    if (ends) stream.end();
    return stream;
  };
  const large = Array.from({ length: 6 }, (_, index) => send(2 * LARGE, index !== 4));
  for (let index = 0; index < 20; index++) await turn();
  assert.equal(read, 4);
  send(10);
  for (let index = 0; index < 20; index++) await turn();
  assert.equal(read, 5, 'a small body does not wait');
  large[4]?.destroy();
  for (const release of held.splice(0)) release();
  for (let index = 0; index < 20; index++) await turn();
  assert.equal(read, 6, 'the last one has a place; the one that went has given up its own');
});

test('a body that stalls gives up its place, and the wait for a place does not count', async () => {
  const places = new LargeBodies();
  const held: (() => void)[] = [];
  const send = (size: number, within: number) => {
    const stream = new PassThrough({ highWaterMark: 10 * LARGE });
    const body = readBody(
      stream,
      { take: () => places.take(), held: release => held.push(release) },
      { within },
    );
    stream.write(Buffer.alloc(size));
    return { stream, body };
  };
  const late = { status: 408 };
  await assert.rejects(send(10, 5).body, late, 'a small one');
  const stalled = Array.from({ length: 4 }, () => send(2 * LARGE, 50).body);
  const { stream, body: waiting } = send(2 * LARGE, 20);
  stream.end();
  for (const body of stalled) await assert.rejects(body, late);
  for (const release of held.splice(0)) release();
  assert.equal((await waiting).length, 2 * LARGE);
});
