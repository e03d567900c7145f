import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuleCounter } from './apply-rule-counts.ts';
import type { CountedGroup } from './compile-rule-places.ts';
import type { Rule } from './model.ts';

const rule = (field: string): Rule => {
  const provenance = { kind: 'NetworkPolicy', namespace: 'shop', name: 'p', uid: '', generation: 1, field };
  return { action: 'Accept', id: 1, provenance } as unknown as Rule; // the rest of it is not asked
};

test('two chains of a group count for their own rules, whatever the other one counts', async () => {
  const counted = new Map([
    ['ingress-1', 0],
    ['ingress-1-rest', 0],
  ]);
  const kernel = {
    nftCounters: (places: readonly ({ readonly chain: string } | object)[]) =>
      Promise.resolve(
        places.map(place => ({
          packets: counted.get('chain' in place ? place.chain : '') ?? 0,
          bytes: 0,
        })),
      ),
  };
  const [first, rest] = [rule('spec.ingress[0]'), rule('spec.ingress[1]')];
  const group: CountedGroup = {
    name: 'ingress-1',
    rules: () => [first, rest],
    places: () => [
      { chain: 'ingress-1', rules: [first] },
      { chain: 'ingress-1-rest', rules: [rest] },
    ],
  };
  const counter = new RuleCounter(kernel);
  const read = async (...packets: readonly [number, number]) => {
    counted.set('ingress-1', packets[0]).set('ingress-1-rest', packets[1]);
    await counter.read([group]);
    return [...counter.counts].map(one => one.packets);
  };
  assert.deepEqual(await read(7, 100), [0, 0], 'an earlier process counted these');
  assert.deepEqual(await read(9, 101), [2, 1]);
  assert.deepEqual(await read(9, 101), [2, 1]);
});
