import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, type FrameSink } from '../../src/gateway/proxy/http2/frame-reader.ts';
import { ConnectionError, preface } from '../../src/gateway/proxy/http2/frames.ts';
import { HeaderDecoder } from '../../src/gateway/proxy/http2/header-decoder.ts';
import { HeaderEncoder } from '../../src/gateway/proxy/http2/header-encoder.ts';

const runs = { numRuns: 5000 };

/** What a reader tells, in words; pieces of a body that follow each other as one. */
function told(pieces: readonly Buffer[]): readonly string[] {
  const words: string[] = [];
  let body = '';
  const say = (...parts: readonly unknown[]) => {
    if (body !== '') words.push(`data ${body}`);
    body = '';
    words.push(parts.join(' '));
  };
  const hex = (bytes: Buffer, start: number, end: number) => bytes.toString('hex', start, end);
  const sink: FrameSink = {
    dataHead: (...values) => say('head', ...values),
    data: (bytes, start, end) => (body += hex(bytes, start, end)),
    dataEnd: () => say('end'),
    headerBlock: (stream, bytes, start, end, isLast) => say('block', stream, hex(bytes, start, end), isLast),
    reset: (...values) => say('reset', ...values),
    settings: (bytes, start, end) => say('settings', hex(bytes, start, end)),
    ping: payload => say('ping', Buffer.from(payload, 'latin1').toString('hex')),
    goAway: last => say('goaway', last),
    windowUpdate: (...values) => say('window', ...values),
    other: () => say('other'),
  };
  const reader = new FrameReader(true, sink);
  try {
    for (const piece of pieces) reader.read(piece, piece.length, () => true);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    say('error', error.code);
  }
  return words;
}

const frameOf = fc
  .tuple(
    fc.nat({ max: 11 }),
    fc.constantFrom(0, 1, 4, 5, 8, 9, 12, 13, 32, 37),
    fc.nat({ max: 5 }),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([type, flags, stream, payload]) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  });
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const spoken = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: frameOf }, fc.uint8Array({ maxLength: 12 })), {
      maxLength: 12,
    }),
  )
  .map(([pieces]) => Buffer.concat([preface, settings, ...pieces]));

test('frames are read the same however they are cut, and end in nothing else than an error of the protocol', () => {
  fc.assert(
    fc.property(spoken, fc.array(fc.nat({ max: 600 }), { maxLength: 8 }), (octets, places) => {
      const cuts = [...places.map(place => Math.min(place, octets.length)), octets.length].toSorted(
        (a, b) => a - b,
      );
      const pieces = cuts.map((cut, index) => octets.subarray(cuts[index - 1] ?? 0, cut));
      const whole = told([octets]);
      assert.deepEqual(told(pieces), whole);
      assert.deepEqual(told([...octets].map(octet => Buffer.from([octet]))), whole);
    }),
    { numRuns: 1500 },
  );
});

test('whatever octets a header block has, it is read or refused, and what it makes is bounded', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 4 }), blocks => {
      const decoder = new HeaderDecoder();
      for (const block of blocks) {
        let size = 0;
        const bytes = Buffer.from(block);
        const isRead = decoder.decode(bytes, 0, bytes.length, field => {
          size += field.name.length + field.value.length;
        });
        // An entry of the table, which one octet may name, has at most what the table holds.
        assert.ok(size <= block.length * 4096);
        if (!isRead) return;
      }
    }),
    runs,
  );
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const value = fc
  .string({ unit: 'binary-ascii', maxLength: 60 })
  .map(text => text.replaceAll(/[^\x20-\x7e]/g, '').trim());

test('fields that are written are read again', () => {
  const encoder = new HeaderEncoder();
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), fields => {
      const block = Buffer.from(
        encoder.lines(fields.map(([key, text]) => `${key}: ${text}\r\n`).join('')),
        'latin1',
      );
      const read: [string, string][] = [];
      assert.ok(
        new HeaderDecoder().decode(block, 0, block.length, field => read.push([field.name, field.value])),
      );
      assert.deepEqual(read, fields);
    }),
    runs,
  );
});
