import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../base/ip.ts';
import { encodeElementKey } from './element-key.ts';
import { keyWriterOf } from './key-writer.ts';

const v4 = fc.ipV4();
/** As we write them, and as others may. */
const v6 = fc.ipV6().chain(text => {
  const address = parseAddress(text);
  return fc.constantFrom(text, address === undefined ? '::' : formatAddress(address));
});
const hex = (most: number) => fc.integer({ min: 0, max: most }).map(value => value.toString(16));
const keys: Readonly<Record<string, fc.Arbitrary<string>>> = {
  ipv4_addr: v4,
  ipv6_addr: v6.filter(text => parseAddress(text)?.family === 6),
  inet_proto: fc.constantFrom('tcp', 'udp', 'sctp', '6', '255'),
  inet_service: fc.integer({ min: 0, max: 65_535 }).map(String),
  classid: fc.tuple(hex(0xffff), hex(0xffff)).map(parts => parts.join(':')),
};

test('keys are written as they are encoded one by one, whatever they consist of', () => {
  const typed = fc
    .array(fc.constantFrom(...Object.keys(keys)), { minLength: 2, maxLength: 4 })
    .chain(types =>
      fc.tuple(fc.constant(types.join(' . ')), fc.tuple(...types.map(type => keys[type] ?? fc.constant('')))),
    );
  fc.assert(
    fc.property(typed, ([type, parts]) => {
      const text = parts.join(' . ');
      const writer = keyWriterOf(type);
      assert.ok(writer);
      const bytes = new Uint8Array(writer.length + 8).fill(0xee);
      writer.write(text, bytes, 4);
      assert.deepEqual(bytes.subarray(4, -4), encodeElementKey(type, text, false), text);
      assert.deepEqual(
        [...bytes.subarray(0, 4), ...bytes.subarray(-4)],
        Array.from({ length: 8 }, () => 0xee),
      );
    }),
  );
});

test('what is no key is refused, as by the encoder', () => {
  const writer = keyWriterOf('ipv4_addr . inet_service');
  for (const text of ['10.0.0.256 . 80', '10.0.0 . 80', 'fd00::1 . 80', '10.0.0.1 . 70000'])
    assert.throws(
      () => writer?.write(text, new Uint8Array(8), 0),
      /cannot be read as (ipv4_addr|inet_service)/,
      text,
    );
});
