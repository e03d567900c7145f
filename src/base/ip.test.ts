import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import {
  addressAt,
  addressFromBytes,
  bytesOf,
  contains,
  formatAddress,
  formatPrefix,
  overlaps,
  parseAddress,
  parseInterface,
  parsePrefix,
  prefixOf,
  sizeOf,
  subnetAt,
} from './ip.ts';
import type { Address, Prefix } from './ip.ts';

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map(value => ({ family: 4 as const, value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map(value => ({ family: 6 as const, value })),
  // Addresses with many zero groups, where the short form is decided.
  fc.array(fc.constantFrom(0n, 0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 }).map(groups => ({
    family: 6 as const,
    value: groups.reduce<bigint>((all, group) => (all << 16n) | group, 0n),
  })),
);

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed, `${text} is a prefix`);
  return parsed;
}

test('an address survives being written and read, as text and as bytes', () => {
  fc.assert(
    fc.property(anyAddress, address => {
      assert.deepEqual(parseAddress(formatAddress(address)), address);
      assert.deepEqual(addressFromBytes(bytesOf(address)), address);
    }),
  );
});

test('addresses are written as another implementation writes them', () => {
  fc.assert(
    fc.property(anyAddress, address => {
      const mapped = address.family === 6 && address.value >> 32n === 0xffffn;
      fc.pre(!mapped);
      const other = ipaddr.fromByteArray([...bytesOf(address)]);
      const expected = other instanceof ipaddr.IPv6 ? other.toRFC5952String() : other.toString();
      assert.equal(formatAddress(address), expected);
    }),
  );
});

test('a prefix contains what another implementation says it contains', () => {
  fc.assert(
    fc.property(anyAddress, anyAddress, fc.nat(128), (network, address, bits) => {
      fc.pre(network.family === address.family);
      const length = Math.min(bits, network.family === 4 ? 32 : 128);
      const other = ipaddr.fromByteArray([...bytesOf(address)]);
      const range = ipaddr.fromByteArray([...bytesOf(network)]);
      const expected = (other as ipaddr.IPv6).match(range, length);
      assert.equal(contains(prefixOf(network, length), address), expected);
    }),
  );
});

test('what Kubernetes refuses as an address is refused', () => {
  const refused = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.4 ',
    'fe80::1%eth0',
    '::1::',
    ':::',
    '1:2:3:4:5:6:7',
  ];
  refused.push(
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::1',
    '::1.2.3.4:1',
    '1.2.3.4::',
    '::01.2.3.4',
  );
  for (const text of refused) assert.equal(parseAddress(text), undefined, text);
});

test('a prefix has no host bits, an interface may', () => {
  assert.equal(parsePrefix('10.0.0.1/8'), undefined);
  assert.equal(parsePrefix('10.0.0.0/33'), undefined);
  assert.equal(parsePrefix('10.0.0.0/08'), undefined);
  assert.equal(parsePrefix('10.0.0.0'), undefined);
  assert.equal(formatPrefix(prefix('fd00:10:244::/56')), 'fd00:10:244::/56');
  assert.deepEqual(parseInterface('10.0.0.1/8'), { address: { family: 4, value: 0x0a000001n }, length: 8 });
});

test('prefixes overlap in either order, and never across families', () => {
  assert.ok(overlaps(prefix('10.0.0.0/8'), prefix('10.96.0.0/16')));
  assert.ok(overlaps(prefix('10.96.0.0/16'), prefix('10.0.0.0/8')));
  assert.ok(!overlaps(prefix('10.96.0.0/16'), prefix('10.97.0.0/16')));
  assert.ok(!overlaps(prefix('0.0.0.0/0'), prefix('::/0')));
});

test('a cluster prefix is cut into node prefixes, and those into addresses', () => {
  const second = subnetAt(prefix('10.244.0.0/16'), 24, 2n);
  assert.equal(formatPrefix(second), '10.244.2.0/24');
  assert.equal(sizeOf(second), 256n);
  assert.equal(formatAddress(addressAt(second, 7n)), '10.244.2.7');
  assert.equal(formatPrefix(subnetAt(prefix('fd00:10:244::/56'), 64, 3n)), 'fd00:10:244:3::/64');
});
