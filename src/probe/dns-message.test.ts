import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAnswer, encodeQuestion } from './dns-message.ts';

const question = encodeQuestion(4711, 'web.shop.svc.cluster.local', 'A');

function answerWith(records: readonly Buffer[], flags = 0x8580): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question.subarray(12), ...records]);
}

function record(type: number, data: Buffer, owner = Buffer.from([0xc0, 12])): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(5, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

test('addresses and aliases are read, with names that point back', () => {
  const alias = Buffer.concat([Buffer.from([3]), Buffer.from('api'), Buffer.from([0xc0, 16])]);
  const message = answerWith([
    record(5, alias),
    record(1, Buffer.from([10, 96, 0, 1])),
    record(28, Buffer.from('fd000010009600000000000000000001', 'hex')),
    record(16, Buffer.from([1, 65])),
  ]);
  assert.deepEqual(decodeAnswer(message, question), {
    rcode: 'NOERROR',
    records: [
      { name: 'web.shop.svc.cluster.local', type: 'CNAME', value: 'api.shop.svc.cluster.local' },
      { name: 'web.shop.svc.cluster.local', type: 'A', value: '10.96.0.1' },
      { name: 'web.shop.svc.cluster.local', type: 'AAAA', value: 'fd00:10:96::1' },
    ],
  });
});

test('a code is named', () => {
  assert.deepEqual(decodeAnswer(answerWith([], 0x8583), question), { rcode: 'NXDOMAIN', records: [] });
});

test('what answers another question is no answer', () => {
  const other = encodeQuestion(4711, 'api.shop.svc.cluster.local', 'A');
  const otherId = encodeQuestion(4712, 'web.shop.svc.cluster.local', 'A');
  for (const asked of [other, otherId]) assert.equal(decodeAnswer(answerWith([]), asked), undefined);
  assert.equal(decodeAnswer(question, question), undefined, 'a question is no answer');
});

test('a name that points at itself, or forwards, ends', () => {
  for (const target of [question.length, question.length + 2])
    assert.equal(
      decodeAnswer(answerWith([record(1, Buffer.alloc(4), Buffer.from([0xc0, target]))]), question),
      undefined,
    );
});

test('hostile bytes behind the question never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffff), (bytes, count) => {
      const message = answerWith([Buffer.from(bytes)]);
      message.writeUInt16BE(count, 6);
      decodeAnswer(message, question);
      decodeAnswer(Buffer.from(bytes), question);
    }),
    { numRuns: 1000 },
  );
});
