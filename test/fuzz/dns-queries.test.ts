import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../src/dns/wire/index.ts';
import { questionFor } from '../netns/dns-client.ts';
import { decodeMessage } from '../netns/dns-decoder.ts';
import { answerQuery, emptyNames, put, service } from '../property/dns-cluster.ts';

const names = emptyNames();
names.putNamespace('default');
put(names, service('web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1', 'fd00:10:96::101'] }));
names.isComplete = true;

/** Whatever comes in: an exact answer to it, or none; and nothing is written behind the room that there is. */
function check(message: Buffer): void {
  const room = 1232;
  const out = Buffer.alloc(room + 64, 0xee);
  const transport = message.length % 2 === 0 ? 'udp' : 'tcp';
  const outcome = answerQuery(names, message, message.length, out.subarray(0, room), transport, Math.random);
  assert.ok(
    out.subarray(room).every(octet => octet === 0xee),
    'nothing behind the room',
  );
  if (outcome.kind !== 'answered') return;
  const answer = decodeMessage(out.subarray(0, outcome.length));
  assert.equal(answer.id, message.readUInt16BE(0));
  assert.ok((message.readUInt16BE(2) & 0x8000) === 0, 'answers are not answered');
}

test('random octets never crash the server, loop, or get anything but an exact answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1232 }), octets => check(Buffer.from(octets))),
    { numRuns: 5000 },
  );
});

test('good questions with some octets changed, cut or added neither', () => {
  const good = fc.constantFrom(
    questionFor('web.default.svc.cluster.local', 'A', { size: 1232 }),
    questionFor('1.1.96.10.in-addr.arpa', 'PTR'),
    questionFor('10-1-2-3.default.pod.cluster.local', 'A', { size: 65_535, dnssecOk: true }),
    questionFor(Array.from({ length: 30 }, () => 'abcdefg').join('.'), 'A'),
  );
  const change = fc.record({ at: fc.nat(400), to: fc.nat(255) });
  fc.assert(
    fc.property(good, fc.array(change, { maxLength: 8 }), fc.nat(400), (message, changes, cut) => {
      const bytes = Buffer.concat([message, Buffer.alloc(40)]);
      for (const { at, to } of changes) bytes[at % bytes.length] = to;
      check(bytes.subarray(0, Math.max(0, bytes.length - (cut % 120))));
    }),
    { numRuns: 10_000 },
  );
});

test('pointers in a question, to itself, forwards or in a circle, are a format error', () => {
  for (const target of [0, 4, 12, 14, 16, 100, 0x3fff]) {
    const message = Buffer.concat([
      questionFor('', 'A').subarray(0, 12),
      Buffer.from([1, 0x61, 0xc0 | (target >> 8), target & 0xff, 0, 1, 0, 1]),
    ]);
    const out = Buffer.alloc(512);
    const outcome = answerQuery(names, message, message.length, out, 'udp', Math.random);
    assert.ok(outcome.kind === 'answered');
    assert.equal(decodeMessage(out.subarray(0, outcome.length)).rcode, 'FORMERR');
  }
});

test('a stream cut anywhere gives the same messages', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 }),
      (messages, cuts) => {
        const stream = Buffer.concat(
          messages.map(message => Buffer.from([message.length >> 8, message.length & 255, ...message])),
        );
        const reader = new FrameReader();
        const found: Buffer[] = [];
        for (let at = 0, index = 0; at < stream.length; index++) {
          const end = at + (cuts[index % cuts.length] ?? 1);
          found.push(...reader.push(stream.subarray(at, end)));
          at = end;
        }
        assert.deepEqual(
          found.map(message => message.toString('hex')),
          messages.map(message => Buffer.from(message).toString('hex')),
        );
      },
    ),
    { numRuns: 500 },
  );
});
