import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeElementKey } from './element-key.ts';

const hex = (type: string, element: string, isInterval = false) =>
  Buffer.from(encodeElementKey(type, element, isInterval))
    .toString('hex')
    .replaceAll(/(.{8})(?=.)/g, '$1 ');

test('each part of a key is padded to four bytes, in the order in which the kernel compares it', () => {
  assert.equal(hex('mark . inet_proto . inet_service', '7 . tcp . 80'), '07000000 06000000 00500000');
  assert.equal(
    hex('ipv4_addr . inet_proto . inet_service', '10.0.0.1 . sctp . 443'),
    '0a000001 84000000 01bb0000',
  );
  assert.equal(
    hex('inet_service . classid', '80 . 1:a'),
    '00500000 0a000100',
    'hexadecimal, as the host orders it',
  );
  assert.equal(hex('ipv6_addr', 'fd00::1'), 'fd000000 00000000 00000000 00000001');
});

test('an interval is found by its lower end, and its marks are in network order', () => {
  assert.equal(
    hex('mark . inet_proto . inet_service', '7 . udp . 80-90', true),
    '00000007 11000000 00500000',
  );
  assert.equal(hex('ipv4_addr . inet_proto', '10.1.0.0/16 . 0-255', true), '0a010000 00000000');
  assert.equal(hex('ipv4_addr', '10.1.0.5-10.1.0.9', true), '0a010005');
});

test('what cannot be read is named', () => {
  assert.throws(() => hex('ipv4_addr', 'fd00::1'), /"fd00::1" cannot be read as ipv4_addr/);
  assert.throws(() => hex('ifname', 'eth0'), /"eth0" cannot be read as ifname/);
});
