import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../base/ip.ts';
import { encodeElementKey } from './element-key.ts';
import { keyReaderOf } from './key-reader.ts';

const hex = (most: number) => fc.integer({ min: 0, max: most }).map(value => value.toString(16));
const canonical = (text: string) => formatAddress(parseAddress(text) ?? { family: 6, value: 0n });
const keys: Readonly<Record<string, fc.Arbitrary<string>>> = {
  ipv4_addr: fc.ipV4(),
  ipv6_addr: fc
    .ipV6()
    .filter(text => parseAddress(text)?.family === 6)
    .map(canonical),
  inet_proto: fc.constantFrom('tcp', 'udp', 'sctp', '0', '255'),
  inet_service: fc.integer({ min: 0, max: 65_535 }).map(String),
  classid: fc.tuple(hex(0xffff), hex(0xffff)).map(parts => parts.join(':')),
};

test('keys are read as they were written, whatever they consist of', () => {
  const typed = fc
    .array(fc.constantFrom(...Object.keys(keys)), { minLength: 2, maxLength: 4 })
    .chain(types =>
      fc.tuple(fc.constant(types.join(' . ')), fc.tuple(...types.map(type => keys[type] ?? fc.constant('')))),
    );
  fc.assert(
    fc.property(typed, ([type, parts]) => {
      const text = parts.join(' . ');
      const reader = keyReaderOf(type);
      const bytes = encodeElementKey(type, text, false);
      assert.equal(reader?.length, bytes.length);
      assert.equal(reader.read(Uint8Array.of(1, 2, ...bytes, 3), 2), text);
    }),
  );
});

test('a type alone that the kernel does not pad, and an unknown one, are left to those who read part by part', () => {
  assert.equal(keyReaderOf('inet_proto'), undefined);
  assert.equal(keyReaderOf('ipv4_addr . ifname'), undefined);
  assert.equal(keyReaderOf('ipv4_addr')?.read(Uint8Array.of(10, 0, 0, 1), 0), '10.0.0.1');
});
