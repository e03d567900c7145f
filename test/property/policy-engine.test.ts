import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NetworkPolicy } from '../../src/kube/types/networking.ts';
import { disjoint, mergeIntervals, withoutPrefixes } from '../../src/policy/compile-boxes.ts';
import { compileDelta, stateOf } from '../../src/policy/compile-delta.ts';
import { freeNumberOf } from '../../src/policy/compile-ids.ts';
import { decide } from '../../src/policy/decide.ts';
import type { Change, Flow } from '../../src/policy/decide.ts';
import { parsePrefix } from '../../src/base/ip.ts';
import { address, modelOf, programOf, worldPorts, worlds } from './policy-worlds.ts';

const addresses = Array.from(
  { length: 5 },
  (_, index) => [`10.244.0.${10 + index}`, `fd00:10:244::${(16 + index).toString(16)}`] as const,
);
const anyWorld = worlds(addresses, 3);

const flows = fc.record({
  family: fc.constantFrom(0 as const, 1 as const),
  from: fc.integer({ min: 0, max: 5 }),
  to: fc.integer({ min: 0, max: 4 }),
  port: fc.constantFrom(...worldPorts),
  protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const, 'ICMP' as const),
});

function flowOf({
  family,
  from,
  to,
  port,
  protocol,
}: typeof flows extends fc.Arbitrary<infer F> ? F : never): Flow {
  const outside = ['8.8.8.8', '2001:db8::8'] as const;
  return {
    source: address((addresses[from] ?? outside)[family]),
    destination: address(addresses[to]?.[family] ?? ''),
    protocol,
    ...(protocol === 'ICMP' ? {} : { port }),
  };
}

test('the order in which objects come changes neither verdict nor program', () => {
  fc.assert(
    fc.property(anyWorld, flows, (world, flow) => {
      const reversed = {
        pods: world.pods.toReversed(),
        policies: world.policies.toReversed(),
        clusterPolicies: world.clusterPolicies.toReversed(),
        resolved: world.resolved.toReversed(),
      };
      const [one, two] = [modelOf(world), modelOf(reversed)];
      assert.equal(decide(one, flowOf(flow)).allowed, decide(two, flowOf(flow)).allowed);
      const sorted = (some: typeof world) =>
        [...stateOf(programOf(some)).sets]
          .map(([name, { digest, elements }]) => ({ name, digest, elements: new Map(elements) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(sorted(world), sorted(reversed));
      assert.deepEqual(compileDelta(stateOf(programOf(world)), programOf(reversed)), []);
    }),
    { numRuns: 200 },
  );
});

test('the change that an explanation proposes allows the flow at that end', () => {
  fc.assert(
    fc.property(anyWorld, flows, (world, wanted) => {
      const flow = flowOf(wanted);
      const verdict = decide(modelOf(world), flow);
      for (const end of [verdict.egress, verdict.ingress]) {
        if (end.reason !== 'no-rule') continue;
        const { change, direction } = end;
        assert.ok(change, 'every deny has a change');
        const policies = world.policies.map(policy =>
          policy.metadata.uid === change.policy.uid ? withChange(policy, change) : policy,
        );
        assert.equal(
          decide(modelOf({ ...world, policies }), flow)[direction].allowed,
          true,
          JSON.stringify(change),
        );
      }
    }),
    { numRuns: 500 },
  );
});

function withChange(policy: NetworkPolicy, change: Change): NetworkPolicy {
  const copy = structuredClone(policy) as unknown as { spec: Record<string, unknown> };
  const path = change.field.replaceAll('[', '.').replaceAll(']', '').split('.');
  let place: Record<string, unknown> = copy;
  for (const step of path.slice(0, -1)) place = place[step] as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  place[last] = [...((place[last] as unknown[] | undefined) ?? []), change.add];
  return { ...policy, spec: copy.spec };
}

test('a deny is explained: isolating policies, and a miss for each rule that was asked, up to three', () => {
  fc.assert(
    fc.property(anyWorld, flows, (world, flow) => {
      const verdict = decide(modelOf(world), flowOf(flow));
      for (const end of [verdict.egress, verdict.ingress]) {
        if (end.reason === 'denied') assert.equal(end.deniedBy?.rule.action, 'Deny');
        if (end.reason !== 'no-rule') continue;
        assert.ok(end.isolatedBy.length > 0);
        const asked = end.considered.filter(({ rule }) => rule.provenance.kind === 'NetworkPolicy');
        assert.equal(end.misses.length, Math.min(3, asked.length));
        for (const miss of end.misses) assert.notEqual(miss.sentence, '');
      }
    }),
    { numRuns: 300 },
  );
});

const small = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }))
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

test('boxes that do not overlap cover the same points', () => {
  const box = fc.record({ addresses: small, ports: small }).map(({ addresses: { from, to }, ports }) => ({
    addresses: { from: BigInt(from), to: BigInt(to) },
    ports,
  }));
  fc.assert(
    fc.property(fc.array(box, { maxLength: 8 }), boxes => {
      const result = disjoint(boxes);
      for (let at = 0n; at <= 20n; at++)
        for (let port = 0; port <= 20; port++) {
          const covers = (one: (typeof boxes)[number]) =>
            one.addresses.from <= at &&
            at <= one.addresses.to &&
            one.ports.from <= port &&
            port <= one.ports.to;
          const count = result.filter(covers).length;
          assert.equal(count, boxes.some(covers) ? 1 : 0);
        }
    }),
  );
});

test('merged intervals cover the same numbers, apart from each other', () => {
  fc.assert(
    fc.property(fc.array(small), intervals => {
      const merged = mergeIntervals(intervals);
      for (let at = 0; at <= 20; at++) {
        const covers = (one: { readonly from: number; readonly to: number }) =>
          one.from <= at && at <= one.to;
        assert.equal(merged.filter(covers).length, intervals.some(covers) ? 1 : 0);
      }
      for (const [index, one] of merged.entries())
        assert.ok(index === 0 || one.from > (merged[index - 1]?.to ?? 0) + 1);
    }),
  );
});

test('a prefix without its exceptions is what is left of it, also where they overlap', () => {
  const prefix = (text: string) => parsePrefix(text) ?? assert.fail(text);
  const except = ['10.0.0.0/30', '10.0.0.2/31', '10.0.0.15/32', '10.0.0.8/32'].map(prefix);
  const ten = 0x0a00_0000n;
  assert.deepEqual(withoutPrefixes(prefix('10.0.0.0/28'), except), [
    { from: ten + 4n, to: ten + 7n },
    { from: ten + 9n, to: ten + 14n },
  ]);
  assert.deepEqual(withoutPrefixes(prefix('0.0.0.0/0'), [prefix('0.0.0.0/1'), prefix('128.0.0.0/1')]), []);
});

test('keys whose numbers collide get others, never 0', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(5), (key, collisions) => {
      const taken = new Set<number>();
      for (let index = 0; index < collisions; index++)
        taken.add(freeNumberOf(key, number => taken.has(number)));
      assert.equal(taken.size, collisions);
      assert.ok(!taken.has(0));
    }),
  );
});
