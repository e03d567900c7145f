import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elementDecoder } from './nft-dump.ts';
import { encodeBody, nested } from './wire.ts';

/** A list of one element: key 10.0.0.1, and a verdict whose code has these bytes. */
const listOf = (code: Uint8Array): Uint8Array => {
  const key = nested([[1, Uint8Array.of(10, 0, 0, 1)]]);
  const verdict = nested([
    [1, code],
    [2, new TextEncoder().encode('here\0')],
  ]);
  const one = nested([
    [1, key],
    [2, nested([[2, verdict]])],
  ]);
  return encodeBody(Uint8Array.of(1, 0, 0, 0), [[3, nested([[1, one]])]]);
};
const types = { key: 'ipv4_addr', value: 'verdict' };

test('a verdict is read with the chain that it leads to', () => {
  assert.deepEqual(elementDecoder(types)(listOf(Uint8Array.of(255, 255, 255, 252))), [
    ['10.0.0.1', 'goto here'],
  ]);
});

test('a verdict that is cut off is none that we know, and nothing behind it is read', () => {
  assert.deepEqual(elementDecoder(types)(listOf(Uint8Array.of(255, 255))), [['10.0.0.1', ' here']]);
});
