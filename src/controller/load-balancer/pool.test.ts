import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../base/ip.ts';
import { AddressPool } from './pool.ts';

const at = (text: string) => {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
};

const taken = (pool: AddressPool, owner: string, family: 4 | 6) => {
  const claim = pool.take(owner, family);
  return claim.outcome === 'claimed' ? formatAddress(claim.address) : claim.outcome;
};

test('the lowest free address is given, never the network’s own or the one that means everybody', () => {
  const pool = new AddressPool(['192.0.2.0/30', 'fd00::/126']);
  assert.deepEqual(
    [taken(pool, 'a', 4), taken(pool, 'b', 4), taken(pool, 'c', 4)],
    ['192.0.2.1', '192.0.2.2', 'exhausted'],
  );
  assert.deepEqual(
    [taken(pool, 'a', 6), taken(pool, 'b', 6), taken(pool, 'c', 6), taken(pool, 'd', 6)],
    ['fd00::1', 'fd00::2', 'fd00::3', 'exhausted'],
  );
  pool.releaseAll('a');
  assert.equal(taken(pool, 'c', 4), '192.0.2.1');
});

test('several prefixes of a family are used one after the other, down to single addresses', () => {
  const pool = new AddressPool(['192.0.2.8/32', '198.51.100.0/31']);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map(owner => taken(pool, owner, 4)),
    ['192.0.2.8', '198.51.100.0', '198.51.100.1', 'exhausted'],
  );
});

test('a certain address is given when it is free and inside, and said to be taken by whom otherwise', () => {
  const pool = new AddressPool(['192.0.2.0/24']);
  assert.equal(pool.claim('a', at('192.0.2.200')).outcome, 'claimed');
  assert.equal(pool.claim('a', at('192.0.2.200')).outcome, 'claimed', 'again for the same Service');
  assert.deepEqual(pool.claim('b', at('192.0.2.200')), { outcome: 'taken', by: 'a' });
  assert.deepEqual(pool.claim('b', at('203.0.113.1')), { outcome: 'outside' });
});

test('prefixes that cannot be read or overlap are refused by name', () => {
  assert.throws(() => new AddressPool(['192.0.2.1/24']), /192\.0\.2\.1\/24/);
  assert.throws(() => new AddressPool(['192.0.2.0/24', '192.0.0.0/16']), /overlaps/);
});

test('no address ever belongs to two, whatever is taken and given back', () => {
  const step = fc.record({
    owner: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    does: fc.constantFrom('take', 'claim', 'release', 'release-all'),
    index: fc.integer({ min: 0, max: 7 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const pool = new AddressPool(['192.0.2.0/29']);
      for (const { owner, does, index } of steps) {
        const address = at(`192.0.2.${index}`);
        if (does === 'take') pool.take(owner, 4);
        else if (does === 'claim') pool.claim(owner, address);
        else if (does === 'release') pool.release(owner, address);
        else pool.releaseAll(owner);
        const all = ['a', 'b', 'c', 'd', 'e'].flatMap(each => pool.heldBy(each).map(formatAddress));
        assert.equal(new Set(all).size, all.length);
      }
    }),
  );
});
