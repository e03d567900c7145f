import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress, parsePrefix } from '../../base/ip.ts';
import type { Prefix } from '../../base/ip.ts';
import { nextAddress, usable } from './allocate.ts';

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

const value = (text: string): bigint => parseAddress(text)?.value ?? -1n;

function next(
  range: string,
  lastUsed: string | undefined,
  taken: readonly string[],
  released: Readonly<Record<string, number>> = {},
): string | undefined {
  const address = nextAddress(
    {
      range: prefix(range),
      lastUsed: lastUsed === undefined ? undefined : value(lastUsed),
      taken: new Set(taken.map(value)),
      released: new Map(Object.entries(released).map(([text, at]) => [value(text), at])),
    },
    100_000,
    30_000,
  );
  return address === undefined ? undefined : formatAddress(address);
}

test('addresses are given out in turn, without the network and the broadcast address', () => {
  assert.equal(next('10.0.0.0/29', undefined, []), '10.0.0.1');
  assert.equal(next('10.0.0.0/29', '10.0.0.3', []), '10.0.0.4');
  assert.equal(next('10.0.0.0/29', '10.0.0.6', []), '10.0.0.1', 'after the last comes the first');
  assert.equal(next('10.0.0.0/29', '10.0.0.1', ['10.0.0.2', '10.0.0.3']), '10.0.0.4');
  assert.equal(next('fd00::/64', undefined, []), 'fd00::1');
});

test('a released address rests for thirty seconds, unless all others are taken', () => {
  assert.equal(next('10.0.0.0/30', '10.0.0.2', [], { '10.0.0.1': 90_000 }), '10.0.0.2');
  assert.equal(next('10.0.0.0/30', '10.0.0.2', [], { '10.0.0.1': 60_000 }), '10.0.0.1');
  const resting = { '10.0.0.1': 95_000, '10.0.0.2': 90_000 };
  assert.equal(next('10.0.0.0/30', '10.0.0.2', [], resting), '10.0.0.2', 'the one that rests longest');
});

test('when every address is taken there is none', () => {
  assert.equal(next('10.0.0.0/30', '10.0.0.1', ['10.0.0.1', '10.0.0.2']), undefined);
  assert.equal(next('10.0.0.0/32', undefined, ['10.0.0.0']), undefined);
});

test('the smallest ranges are used whole', () => {
  assert.equal(usable(prefix('10.0.0.0/31')).count, 2n);
  assert.equal(usable(prefix('fd00::1/128')).count, 1n);
  assert.equal(usable(prefix('10.0.0.0/24')).count, 254n);
});
