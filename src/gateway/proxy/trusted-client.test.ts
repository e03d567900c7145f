import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trustedClient } from './trusted-client.ts';

const cases: readonly (readonly [text: string | undefined, hops: number, client: string | undefined])[] = [
  [undefined, 1, undefined],
  ['192.0.2.1', 0, undefined],
  ['192.0.2.1', 1, '192.0.2.1'],
  ['198.51.100.9, 192.0.2.1', 1, '192.0.2.1'],
  ['198.51.100.9, 192.0.2.1', 2, '198.51.100.9'],
  ['198.51.100.9, 192.0.2.1', 5, '198.51.100.9'],
  ['192.0.2.1:4000', 1, '192.0.2.1'],
  ['2001:db8::1', 1, '2001:db8::1'],
  ['[2001:db8::1]:4000', 1, '2001:db8::1'],
  ['unknown', 1, undefined],
  ['192.0.2.1, "evil', 1, undefined],
  ['', 1, undefined],
];

for (const [text, hops, client] of cases)
  test(`by ${hops} hops, "${text ?? 'nothing'}" comes from ${client ?? 'who connects'}`, () =>
    assert.equal(trustedClient(text, hops), client));
