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
