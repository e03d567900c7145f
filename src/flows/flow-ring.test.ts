import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEvent } from '../base/flow-event.ts';
import { FlowRing } from './flow-ring.ts';

const explained = (from: string, to: string, port = 80) => ({
  source: { address: '10.244.0.1', pod: from },
  destination: { address: '10.244.0.2', pod: to, port },
  protocol: 'TCP',
  verdict: 'dropped' as const,
  direction: 'egress' as const,
  why: { rule: 'egress-1', sentence: 'why', policies: [], misses: [] },
});

const ring = (capacity = 3, mostInSecond = 100) => {
  let number = 1;
  const nextNumber = () => number++;
  return new FlowRing({ node: 'node-1', capacity, joinMilliseconds: 10_000, mostInSecond, nextNumber });
};
const names = (events: readonly FlowEvent[]) =>
  events.map(({ source, packets }) => `${source.pod} ${packets}`);

test('packets of one connection are one event, until it is too old', () => {
  const flows = ring();
  let asked = 0;
  const add = (at: number) =>
    flows.add('a', at, () => {
      asked++;
      return explained('shop/a', 'shop/b');
    });
  for (const at of [1000, 2000, 4000]) add(at);
  assert.deepEqual(names(flows.list()), ['shop/a 3']);
  assert.equal(asked, 1);
  assert.equal(flows.list()[0]?.last, new Date(4000).toISOString());
  add(11_000);
  assert.deepEqual(names(flows.list()), ['shop/a 3', 'shop/a 1']);
});

test('a clock that is set back does not hide what happens then', () => {
  const flows = ring();
  flows.add('one', 100_000_000, () => explained('shop/a', 'shop/b'));
  flows.add('one', 1000, () => explained('shop/a', 'shop/b'));
  assert.deepEqual(names(flows.list()), ['shop/a 1', 'shop/a 1']);
});

test('the oldest events go, and what comes too fast is counted', () => {
  const flows = ring(3, 5);
  for (let index = 0; index < 8; index++)
    flows.add(`${index}`, 1000 + index, () => explained(`shop/${index}`, 'shop/b'));
  assert.deepEqual(names(flows.list()), ['shop/2 1', 'shop/3 1', 'shop/4 1']);
  assert.equal(flows.lost, 3);
  flows.add('next', 2000, () => explained('shop/next', 'shop/b'));
  assert.deepEqual(names(flows.list({}, 1)), ['shop/next 1']);
});

test('what another node tells takes no room from what is told here', () => {
  const flows = ring(3, 2);
  for (let index = 0; index < 8; index++) flows.add(`other ${index}`, 1000 + index, () => undefined);
  flows.add('own', 1010, () => explained('shop/a', 'shop/b'));
  assert.deepEqual(names(flows.list()), ['shop/a 1']);
  assert.equal(flows.lost, 0);
});

test('filters take pods, namespaces, addresses, prefixes, ports, times and what came after', () => {
  const flows = ring();
  flows.add('1', 1000, () => explained('shop/a', 'data/db', 80));
  flows.add('2', 2000, () => explained('shop/b', 'data/db', 81));
  const found = (filter: Parameters<typeof flows.list>[0]) => names(flows.list(filter));
  assert.deepEqual(found({ from: 'shop/a' }), ['shop/a 1']);
  assert.deepEqual(found({ from: 'shop/' }), ['shop/a 1', 'shop/b 1']);
  assert.deepEqual(found({ to: 'shop/' }), []);
  assert.deepEqual(found({ to: '10.244.0.0/24', port: 81 }), ['shop/b 1']);
  assert.deepEqual(found({ from: '10.244.0.2' }), []);
  assert.deepEqual(found({ since: 1500 }), ['shop/b 1']);
  assert.deepEqual(found({ after: 1 }), ['shop/b 1']);
  assert.deepEqual(found({ policy: 'shop/deny' }), []);
  flows.add('3', 3000, () => ({ ...explained('shop/c', 'shop/a'), source: { address: 'fd00::1' } }));
  assert.deepEqual(found({ from: 'FD00:0::1' }), ['undefined 1'], 'however an address is written');
});
