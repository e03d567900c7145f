import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowVerdict } from '../base/flow-event.ts';
import { FlowStore } from './flow-store.ts';

const explained = (verdict: FlowVerdict, name: string) => ({
  source: { address: '10.244.0.1', pod: `shop/${name}` },
  destination: { address: '203.0.113.7', port: 443, names: ['example.com'] },
  protocol: 'TCP',
  verdict,
  direction: 'egress' as const,
  why: { rule: verdict, sentence: 'why', policies: [], misses: [] },
});

test('however much passes, what was dropped is still there', () => {
  const store = new FlowStore('node-1');
  store.add('drop', 'drop', 0, () => explained('dropped', 'a'));
  for (let index = 0; index < 3000; index++)
    store.add('pass', `${index}`, index * 1000, () => explained('allowed', 'b'));
  assert.equal(store.list({ verdict: 'dropped,audited' }).length, 1);
  assert.equal(store.list({ verdict: 'allowed' }).length, 1000);
  assert.equal(store.size, 1001);
});

test('an event is found by its number, also after a restart, and later ones have greater numbers', () => {
  const store = new FlowStore('node-1');
  const event = store.add('drop', 'one', 0, () => explained('dropped', 'a')) ?? assert.fail();
  store.add('pass', 'two', 1, () => explained('allowed', 'b'));
  assert.equal(event.id, 'node-1/1');
  const next = new FlowStore('node-1');
  next.restore(store.list());
  assert.deepEqual(next.find(1), event);
  assert.equal(next.find(2)?.verdict, 'allowed');
  assert.equal(next.find(3), undefined);
  const later = next.add('drop', 'one', 2, () => explained('dropped', 'a'));
  assert.ok(Number(later?.id.split('/')[1]) > store.newest);
});

test('events are in the order in which they came, and found by the names of their ends', () => {
  const store = new FlowStore('node-1');
  store.add('pass', '1', 0, () => explained('allowed', 'a'));
  store.add('drop', '2', 1, () => explained('dropped', 'b'));
  store.add('pass', '3', 2, () => explained('allowed', 'c'));
  assert.deepEqual(
    store.list({ to: 'example.com' }).map(({ source }) => source.pod),
    ['shop/a', 'shop/b', 'shop/c'],
  );
  assert.deepEqual(
    store.list({}, 2).map(({ source }) => source.pod),
    ['shop/b', 'shop/c'],
  );
  assert.deepEqual(store.list({ to: 'example.org' }), []);
});

test('all that the kernel reports of a burst of passes is kept', () => {
  const store = new FlowStore('node-1');
  for (let index = 0; index < 150; index++)
    store.add('pass', `${index}`, 1000, () => explained('allowed', 'a'));
  assert.deepEqual([store.size, store.lost.passes], [150, 0]);
});
