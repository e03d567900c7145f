import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairleadError } from '../../base/errors.ts';
import { overlaps, parsePrefix } from '../../base/ip.ts';
import { PrefixAllocator } from './allocator.ts';

const LENGTHS = { 4: 24, 6: 64 };
const allocator = (podPrefixes: readonly string[]) => new PrefixAllocator(podPrefixes, LENGTHS);

function prefixesFor(all: PrefixAllocator, node: string): readonly string[] | string {
  const allocation = all.allocate(node);
  return allocation.outcome === 'allocated' ? allocation.prefixes : `IPv${allocation.family} exhausted`;
}

test('nodes get one prefix of each family, one after the other', () => {
  const all = allocator(['10.244.0.0/16', 'fd00:10:244::/56']);
  assert.deepEqual(prefixesFor(all, 'node-1'), ['10.244.0.0/24', 'fd00:10:244::/64']);
  assert.deepEqual(prefixesFor(all, 'node-2'), ['10.244.1.0/24', 'fd00:10:244:1::/64']);
  assert.deepEqual(prefixesFor(all, 'node-1'), ['10.244.0.0/24', 'fd00:10:244::/64'], 'the same again');
});

test('a prefix that was given back rests until all others were used', () => {
  const all = allocator(['10.244.0.0/22']);
  prefixesFor(all, 'a');
  all.release('a');
  assert.deepEqual(
    ['b', 'c', 'd', 'e', 'f'].map(node => prefixesFor(all, node)),
    [['10.244.1.0/24'], ['10.244.2.0/24'], ['10.244.3.0/24'], ['10.244.0.0/24'], 'IPv4 exhausted'],
  );
});

test('a node that cannot get both families gets none, and takes none', () => {
  const all = allocator(['10.244.0.0/16', 'fd00::/63']);
  prefixesFor(all, 'a');
  prefixesFor(all, 'b');
  assert.equal(prefixesFor(all, 'c'), 'IPv6 exhausted');
  assert.equal(all.prefixesOf('c'), undefined);
  all.release('a');
  assert.equal(prefixesFor(all, 'c').length, 2);
});

test('a second prefix of a family is used when the first is full', () => {
  const all = allocator(['10.0.0.0/24', '10.1.0.0/24']);
  assert.deepEqual(
    ['a', 'b', 'c'].map(node => prefixesFor(all, node)),
    [['10.0.0.0/24'], ['10.1.0.0/24'], 'IPv4 exhausted'],
  );
});

test('what nodes already have is never handed out, whatever its size', () => {
  const all = allocator(['10.244.0.0/16']);
  assert.deepEqual(all.adopt('wide', ['10.244.0.0/18']), []);
  assert.deepEqual(all.adopt('narrow', ['10.244.64.128/25']), []);
  assert.deepEqual(all.adopt('elsewhere', ['192.168.0.0/24', 'fd00::/64']), []);
  assert.deepEqual(prefixesFor(all, 'a'), ['10.244.65.0/24']);
  assert.deepEqual(all.adopt('clash', ['10.244.65.0/24']), ['a']);
  assert.deepEqual(all.adopt('inside', ['10.244.1.0/24']), ['wide']);
  assert.deepEqual(all.adopt('all', ['10.0.0.0/8']).toSorted(), ['a', 'clash', 'inside', 'narrow', 'wide']);
  assert.equal(prefixesFor(all, 'b'), 'IPv4 exhausted');
});

test('a pool of four thousand million prefixes is as quick as a small one', () => {
  const all = allocator(['fd00::/32']);
  all.adopt('half', ['fd00::/33']);
  assert.deepEqual(prefixesFor(all, 'a'), ['fd00:0:8000::/64']);
});

test('pod prefixes that cannot be used are refused with their field', () => {
  const refused: readonly (readonly [readonly string[], string])[] = [
    [[], 'podPrefixes'],
    [['10.244.0.0'], 'podPrefixes[0]'],
    [['10.244.0.1/16'], 'podPrefixes[0]'],
    [['10.244.0.0/16', 'fd00::/65'], 'podPrefixes[1]'],
    [['10.0.0.0/8', '10.244.0.0/16'], 'podPrefixes[1]'],
  ];
  for (const [podPrefixes, field] of refused) {
    assert.throws(
      () => allocator(podPrefixes),
      (error: unknown) => error instanceof FairleadError && error.field === field,
      podPrefixes.join(),
    );
  }
});

const node = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const prefix = fc
  .tuple(fc.nat(15), fc.integer({ min: 20, max: 26 }))
  .map(
    ([part, length]) => `10.244.${length < 24 ? (part >> (24 - length)) << (24 - length) : part}.0/${length}`,
  );
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('allocate' as const, 'release' as const), node }),
    fc.record({ do: fc.constant('adopt' as const), node, prefix }),
  ),
  { maxLength: 40 },
);

test('whatever comes and goes, no address is handed out twice and none is lost', () => {
  fc.assert(
    fc.property(steps, all => {
      const pool = allocator(['10.244.0.0/20']);
      const held = new Map<string, readonly string[]>();
      const overlapping = (one: string, except: string) =>
        [...held]
          .filter(([name]) => name !== except)
          .filter(([, theirs]) => theirs.some(two => overlap(one, two)))
          .map(([name]) => name);
      for (const step of all) {
        if (step.do === 'release') {
          assert.equal(pool.release(step.node), held.delete(step.node));
        } else if (step.do === 'adopt') {
          const expected = overlapping(step.prefix, step.node).toSorted();
          assert.deepEqual(pool.adopt(step.node, [step.prefix]).toSorted(), expected);
          held.set(step.node, [step.prefix]);
        } else {
          const allocation = pool.allocate(step.node);
          if (allocation.outcome === 'allocated') {
            if (!held.has(step.node))
              for (const one of allocation.prefixes) assert.deepEqual(overlapping(one, step.node), []);
            held.set(step.node, allocation.prefixes);
          } else {
            const free = Array.from({ length: 16 }, (_, part) => `10.244.${part}.0/24`).filter(
              one => overlapping(one, step.node).length === 0,
            );
            assert.deepEqual(free, [], 'exhausted although a part is free');
          }
        }
      }
      for (const name of held.keys()) pool.release(name);
      for (let part = 0; part < 16; part++) assert.equal(pool.allocate(`new-${part}`).outcome, 'allocated');
    }),
    { numRuns: 500 },
  );
});

function overlap(a: string, b: string): boolean {
  const [one, two] = [parsePrefix(a), parsePrefix(b)];
  assert.ok(one && two, `${a} and ${b} are prefixes`);
  return overlaps(one, two);
}
