import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableBackendReference, TableHeaderChange, TableListener, TableRule } from '../table.ts';
import { choose, RulePlans } from './rule-plan.ts';

const provenance = { kind: 'HTTPRoute', namespace: 'n', name: 'r', uid: 'u', generation: 1, field: 'spec' };
const listener: TableListener = { name: 'http', port: 80, protocol: 'HTTP', certificates: [], provenance };

const ruleWith = (
  backends: readonly TableBackendReference[],
  ...changes: readonly TableHeaderChange[]
): TableRule => ({
  provenance,
  match: { path: { type: 'PathPrefix', value: '/' }, headers: [], query: [] },
  filters: changes.map(change => ({ type: 'RequestHeaderModifier', change })),
  backends,
});
const reference = (backend: string, weight: number): TableBackendReference => ({
  backend,
  weight,
  filters: [],
  provenance,
});
const change = (words: Partial<TableHeaderChange>): TableHeaderChange => ({
  set: [],
  add: [],
  remove: [],
  ...words,
});
const planOf = (rule: TableRule) => new RulePlans().of(rule, listener);

test('a backend is chosen by its weight; one without weight never', () => {
  const plan = planOf(ruleWith([reference('a', 1), reference('none', 0), reference('b', 3)]));
  const at = (random: number) => choose(plan, () => random)?.reference.backend;
  assert.deepEqual([at(0), at(0.24), at(0.26), at(0.99)], ['a', 'a', 'b', 'b']);
  assert.equal(
    choose(planOf(ruleWith([reference('none', 0)])), () => 0),
    undefined,
  );
});

const requestChange = (...changes: readonly TableHeaderChange[]) =>
  planOf(ruleWith([reference('a', 1)], ...changes)).choices[0]?.requestChange;

test('changes of a header are put together in their order', () => {
  const first = change({ set: [{ name: 'X-A', value: '1' }], add: [{ name: 'X-B', value: '2' }] });
  const second = change({
    add: [
      { name: 'x-a', value: '3' },
      { name: 'X-B', value: '4' },
    ],
    remove: ['x-c'],
  });
  const made = requestChange(first, second);
  assert.equal(made?.lines, 'X-A: 1,3\r\n');
  assert.deepEqual([...(made?.added ?? [])], [['x-b', '2,4']]);
  assert.deepEqual([...(made?.touched ?? [])].toSorted(), ['x-a', 'x-b', 'x-c']);
  assert.equal(requestChange(first, change({ remove: ['x-a', 'x-b'] }))?.lines, '');
});

test('what a value may not have in a message becomes spaces', () => {
  assert.equal(
    requestChange(change({ set: [{ name: 'X', value: 'a\r\nHost: b' }] }))?.lines,
    'X: a  Host: b\r\n',
  );
});
