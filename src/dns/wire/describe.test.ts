import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeAnswer, questionMessage } from './describe.ts';

const questionFor = (id: number, name: string): Buffer => questionMessage(id, name, 'A') ?? Buffer.alloc(0);
const question = questionFor(4711, 'web.shop.svc.cluster.local');

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

test('records are read as people write them, with names that point back', () => {
  const alias = Buffer.concat([Buffer.from([3]), Buffer.from('api'), Buffer.from([0xc0, 16])]);
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [7, 7200, 1800, 86_400, 5].entries()) numbers.writeUInt32BE(value, 4 * index);
  const soa = Buffer.concat([Buffer.from([0xc0, 25, 1, 0x68, 0xc0, 25]), numbers]);
  const message = answerWith([
    record(5, alias),
    record(1, Buffer.from([10, 96, 0, 1])),
    record(28, Buffer.from('fd000010009600000000000000000001', 'hex')),
    record(16, Buffer.from([1, 65])),
    record(33, Buffer.from([0, 1, 0, 100, 0, 80, 0xc0, 12])),
    record(6, soa),
    record(65_280, Buffer.from([1, 2])),
  ]);
  const described = describeAnswer(message, question);
  assert.equal(described?.rcode, 0);
  assert.deepEqual(
    described?.answers.map(({ name, type, data }) => [name, type, data]),
    [
      ['CNAME', 'api.shop.svc.cluster.local'],
      ['A', '10.96.0.1'],
      ['AAAA', 'fd00:10:96::1'],
      ['TXT', '"A"'],
      ['SRV', '1 100 80 web.shop.svc.cluster.local'],
      ['SOA', 'cluster.local h.cluster.local 7 7200 1800 86400 5'],
      ['TYPE65280', '\\# 2 0102'],
    ].map(row => ['web.shop.svc.cluster.local', ...row]),
  );
});

test('what answers another question is no answer', () => {
  const other = questionFor(4711, 'api.shop.svc.cluster.local');
  const otherId = questionFor(4712, 'web.shop.svc.cluster.local');
  for (const asked of [other, otherId]) assert.equal(describeAnswer(answerWith([]), asked), undefined);
  assert.equal(describeAnswer(question, question), undefined, 'a question is no answer');
});

test('a name that points at itself, or forwards, ends', () => {
  for (const target of [question.length, question.length + 2])
    assert.equal(
      describeAnswer(answerWith([record(1, Buffer.alloc(4), Buffer.from([0xc0, target]))]), question),
      undefined,
    );
});

test('hostile bytes behind the question never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffff), (bytes, count) => {
      const message = answerWith([Buffer.from(bytes)]);
      message.writeUInt16BE(count, 6);
      describeAnswer(message, question);
      describeAnswer(Buffer.from(bytes), question);
    }),
    { numRuns: 1000 },
  );
});

test('records of any type with data that is cut short are read, or none', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 5, 6, 12, 15, 16, 28, 33, 257),
      fc.uint8Array({ maxLength: 24 }),
      (type, data) => {
        describeAnswer(answerWith([record(type, Buffer.from(data))]), question);
      },
    ),
    { numRuns: 2000 },
  );
  const empty = describeAnswer(answerWith([record(33, Buffer.alloc(0))]), question);
  assert.equal(empty?.answers[0]?.data, '\\# 0 ');
});
