import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashName } from './compile-kernel-hash.ts';
import type { NameKey } from './wire/index.ts';

const secret = Uint8Array.from({ length: 16 }, (_, index) => index);
const input = (length: number) =>
  String.fromCharCode(...Array.from({ length }, (_, index) => index)) as NameKey;

test('hashes of names are those of the reference implementation of SipHash-2-4-128', () => {
  // vectors.h of the reference implementation: the key is 00 01 … 0f, the input 00 01 … of each length.
  const vectors: readonly (readonly [number, string])[] = [
    [0, 'a3817f04ba25a8e66df67214c7550293'],
    [1, 'da87c1d86b99af44347659119b22fc45'],
    [2, '8177228da4a45dc7fca38bdef60affe4'],
    [8, '3b62a9ba6258f5610f83e264f31497b4'],
    [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
  ];
  for (const [length, expected] of vectors)
    assert.equal(Buffer.from(hashName(secret, input(length))).toString('hex'), expected, `${length} octets`);
});
