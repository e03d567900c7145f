import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '../../src/base/clock.ts';
import { FairleadError } from '../../src/base/errors.ts';
import { contains, formatAddress, parsePrefix } from '../../src/base/ip.ts';
import type { Prefix } from '../../src/base/ip.ts';
import { Ipam } from '../../src/pods/ipam/ipam.ts';
import type { Allocation } from '../../src/pods/ipam/ipam.ts';

const prefixes = ['10.0.0.0/28', 'fd00::/124']
  .map(text => parsePrefix(text))
  .filter((prefix): prefix is Prefix => prefix !== undefined);
const capacity = 14;
const quarantine = 30_000;

type Step =
  | { readonly do: 'reserve' | 'assign' | 'release'; readonly pod: number }
  | { readonly do: 'wait'; readonly milliseconds: number }
  | { readonly do: 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('reserve' as const), pod: fc.nat(19) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('assign' as const), pod: fc.nat(19) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('release' as const), pod: fc.nat(19) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

const keyOf = (pod: number) => ({ containerId: `c${pod}`, interfaceName: 'eth0' });
const textOf = (allocation: Allocation) => allocation.addresses.map(formatAddress).join(' ');

test('whatever is added, deleted and killed: no address has two owners, none is lost, and what rests is not given out', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-ipam-'));
  let run = 0;
  try {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        let now = 1_000_000;
        const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
        const path = join(directory, `${++run}.db`);
        const open = () => new Ipam({ path, bootId: 'boot', clock, quarantineMilliseconds: quarantine });
        let ipam = open();
        const owned = new Map<number, string>();
        const releasedAt = new Map<string, number>();
        for (const one of steps) {
          if (one.do === 'wait') now += one.milliseconds;
          else if (one.do === 'crash') {
            // A killed process closes nothing; the next one opens the same files.
            const next = open();
            ipam[Symbol.dispose]();
            ipam = next;
          } else if (one.do === 'reserve') {
            const isFull = owned.size === capacity;
            const reserve = () =>
              ipam.reserve(
                {
                  ...keyOf(one.pod),
                  pod: { namespace: 'n', name: 'p', uid: '' },
                  sandbox: '/x',
                  deadline: now,
                },
                prefixes,
              );
            if (owned.has(one.pod)) assert.throws(reserve, hasCode('pods/attachment-exists'));
            else if (isFull) assert.throws(reserve, hasCode('pods/addresses-exhausted'));
            else {
              const allocation = reserve();
              const rested = allocation.addresses.map(
                address => now - (releasedAt.get(formatAddress(address)) ?? -Infinity),
              );
              const free = capacity - owned.size;
              const resting = [...releasedAt].filter(
                ([text, at]) => text.includes('.') && now - at < quarantine,
              ).length;
              if (resting < free)
                assert.ok((rested[0] ?? 0) >= quarantine, 'a resting address is not given out');
              allocation.addresses.forEach((address, index) => {
                const range = prefixes[index];
                assert.ok(range !== undefined && contains(range, address));
                releasedAt.delete(formatAddress(address));
              });
              owned.set(one.pod, textOf(allocation));
            }
          } else if (one.do === 'assign') {
            if (owned.has(one.pod)) ipam.assign([keyOf(one.pod)]);
            else assert.throws(() => ipam.assign([keyOf(one.pod)]), hasCode('pods/attachment-unknown'));
          } else {
            ipam.release([keyOf(one.pod)]);
            assert.equal(ipam.get(keyOf(one.pod)), undefined);
            for (const text of owned.get(one.pod)?.split(' ') ?? []) releasedAt.set(text, now);
            owned.delete(one.pod);
          }
          const listed = ipam.list();
          assert.deepEqual(
            new Map(listed.map(entry => [Number(entry.containerId.slice(1)), textOf(entry)])),
            owned,
          );
          const addresses = listed.flatMap(entry => entry.addresses.map(formatAddress));
          assert.equal(new Set(addresses).size, addresses.length);
          for (const prefix of prefixes) assert.equal(ipam.usage(prefix).taken, owned.size);
        }
        ipam[Symbol.dispose]();
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('after a reboot every address is free; of another process, none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-ipam-'));
  const clock: Clock = { now: () => 5, sleep: () => Promise.resolve() };
  const request = { ...keyOf(1), pod: { namespace: 'n', name: 'p', uid: 'u' }, sandbox: '/x', deadline: 9 };
  try {
    const path = join(directory, 'ipam.db');
    using first = new Ipam({ path, bootId: 'one', clock });
    const given = textOf(first.reserve(request, prefixes));
    using second = new Ipam({ path, bootId: 'one', clock });
    assert.throws(() => second.reserve(request, prefixes), hasCode('pods/attachment-exists'));
    assert.notEqual(textOf(second.reserve({ ...request, ...keyOf(2) }, prefixes)), given);
    using rebooted = new Ipam({ path, bootId: 'two', clock });
    assert.equal(rebooted.opened.outcome, 'booted');
    assert.deepEqual(rebooted.list(), []);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a node whose prefixes change keeps its pods and gives new ones addresses of the new prefixes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-ipam-'));
  const clock: Clock = { now: () => 5, sleep: () => Promise.resolve() };
  const request = { pod: { namespace: 'n', name: 'p', uid: 'u' }, sandbox: '/x', deadline: 9 };
  try {
    using ipam = new Ipam({ path: join(directory, 'ipam.db'), bootId: 'one', clock });
    ipam.reserve({ ...request, ...keyOf(1) }, prefixes);
    const other = parsePrefix('10.9.0.0/24');
    assert.ok(other);
    assert.equal(textOf(ipam.reserve({ ...request, ...keyOf(2) }, [other])), '10.9.0.1');
    assert.deepEqual(ipam.list().map(textOf).toSorted(), ['10.0.0.1 fd00::1', '10.9.0.1']);
    assert.equal(ipam.usage(other).taken, 1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

const hasCode = (code: string) => (error: unknown) => error instanceof FairleadError && error.code === code;
