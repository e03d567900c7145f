import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { isGone } from './api-error.ts';
import { watchEvents } from './watch-stream.ts';
import type { WatchEvent } from './watch-stream.ts';
import type { KubeObject } from './types/meta.ts';

async function read(chunks: readonly Buffer[]): Promise<readonly WatchEvent<KubeObject>[]> {
  const events: WatchEvent<KubeObject>[] = [];
  for await (const event of watchEvents<KubeObject>(Readable.from(chunks))) events.push(event);
  return events;
}

const object = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } });

test('events are the same however the connection cuts them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 6 }),
      fc.array(fc.nat(400), { maxLength: 12 }),
      async (names, cuts) => {
        const text = Buffer.from(
          names.map(name => `${JSON.stringify({ type: 'ADDED', object: object(name) })}\n`).join(''),
        );
        const places = [...new Set([0, ...cuts.filter(cut => cut < text.length), text.length])].toSorted(
          (a, b) => a - b,
        );
        const chunks = places.slice(1).map((end, index) => text.subarray(places[index], end));
        const events = await read(chunks);
        assert.deepEqual(
          events,
          names.map(name => ({ type: 'ADDED', object: object(name) })),
        );
      },
    ),
  );
});

test('whatever bytes arrive, there are events or one clear error', async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
    fc.json().map(text => Buffer.from(`${text}\n`)),
    fc
      .constantFrom('{"type":"ADDED"', ',"object":{', '"metadata":null}}\n', '{}\n', '[]\n', 'null\n', '\n')
      .map(text => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 10 }), async pieces => {
      try {
        await read(pieces);
      } catch (error) {
        assert.match(String((error as { code?: unknown }).code), /^kube\//);
      }
    }),
  );
});

test('an ERROR event is the error that it holds', async () => {
  const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
  const line = Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
  await assert.rejects(
    read([line]),
    error => isGone(error) && (error as Error).message === 'too old resource version',
  );
});

test('a bookmark tells its version, and whether the initial events are over', async () => {
  const line = (metadata: object) =>
    Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  assert.deepEqual(
    await read([line({ resourceVersion: '7' }), line({ resourceVersion: '8', annotations })]),
    [
      { type: 'BOOKMARK', resourceVersion: '7', initialEventsEnd: false },
      { type: 'BOOKMARK', resourceVersion: '8', initialEventsEnd: true },
    ],
  );
});

test('an event without an end does not fill the memory', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  await assert.rejects(read(Array.from({ length: 20 }, () => chunk)), { code: 'kube/watch-decode' });
});
