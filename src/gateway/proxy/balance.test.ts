import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBy, hashOf } from './balance.ts';

const endpoints = Array.from({ length: 10 }, (_, index) => ({
  name: `10.0.0.${index}:80`,
  hash: hashOf(`10.0.0.${index}:80`),
  active: index % 3,
}));
const clients = Array.from({ length: 10_000 }, (_, index) => `192.0.${index >> 8}.${index & 255}`);
const placed = (among: typeof endpoints) =>
  clients.map(client => chooseBy('client-hash', among, client, 0)?.name ?? '');

test('clients are spread evenly, each always to one endpoint', () => {
  const first = placed(endpoints);
  assert.deepEqual(placed(endpoints.toReversed()), first);
  for (const { name } of endpoints) {
    const share = first.filter(place => place === name).length;
    assert.ok(share > 800 && share < 1200, `${name} has ${share} of 10,000`);
  }
});

test('when an endpoint goes, only its own clients move', () => {
  const before = placed(endpoints);
  const after = placed(endpoints.slice(1));
  for (const [index, place] of before.entries())
    if (place !== endpoints[0]?.name) assert.equal(after[index], place);
});

test('the endpoint with the fewest requests is next, and of several each in turn', () => {
  const idle = endpoints.filter(({ active }) => active === 0);
  const chosen = new Set(endpoints.map((_, turn) => chooseBy('least-requests', endpoints, '', turn)));
  assert.deepEqual(chosen, new Set(idle));
  assert.equal(chooseBy('least-requests', [], '', 0), undefined);
});
