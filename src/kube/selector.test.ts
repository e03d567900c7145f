import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairleadError } from '../base/errors.ts';
import { matchesFields, parseFieldSelector } from './field-selector.ts';
import {
  formatSelector,
  isLabelKey,
  matchesLabels,
  matchesSelector,
  parseLabelSelector,
} from './selector.ts';
import type { LabelSelector } from './types/meta.ts';

const selects = (selector: string, labels: Record<string, string>) =>
  matchesLabels(parseLabelSelector(selector), labels);

test('a selector string selects what kubectl -l selects', () => {
  const labels = { app: 'web', tier: 'front', 'example.com/cores': '8' };
  const cases: readonly (readonly [string, boolean])[] = [
    ['', true],
    ['app', true],
    ['!app', false],
    ['! gone', true],
    ['app=web', true],
    ['app==web,tier=front', true],
    ['app = web , tier = front', true],
    ['app!=web', false],
    ['gone!=web', true],
    ['app=', false],
    ['app in (web, db)', true],
    ['app in (db),tier', false],
    ['app notin (web,db)', false],
    ['gone notin (web)', true],
    ['example.com/cores>4', true],
    ['example.com/cores<4', false],
    ['app>4', false],
  ];
  for (const [selector, expected] of cases) assert.equal(selects(selector, labels), expected, selector);
});

test('a selector string that cannot be read says what is wrong', () => {
  for (const text of [
    'app=we b',
    '=web',
    'app in web',
    'app in (web',
    'a/b/c',
    'app>x',
    ',',
    'app,,tier',
    '-x',
    'a'.repeat(64),
  ]) {
    assert.throws(
      () => parseLabelSelector(text),
      (error: unknown) => error instanceof FairleadError && error.code === 'kube/bad-selector',
      text,
    );
  }
});

test('an absent selector selects nothing, an empty one everything', () => {
  assert.equal(matchesSelector(undefined, { app: 'web' }), false);
  assert.equal(matchesSelector({}, undefined), true);
});

test('labels that every JavaScript object seems to have are not there', () => {
  assert.equal(selects('constructor', {}), false);
  assert.equal(
    matchesSelector({ matchExpressions: [{ key: 'toString', operator: 'DoesNotExist' }] }, {}),
    true,
  );
});

const key = fc.constantFrom('app', 'tier', 'example.com/zone');
const value = fc.constantFrom('', 'a', 'b', 'c-1');
const labelSets = fc.dictionary(key, value, { noNullPrototype: true });
const selectors: fc.Arbitrary<LabelSelector> = fc.record({
  matchLabels: labelSets,
  matchExpressions: fc.array(
    fc.oneof(
      fc.record({
        key,
        operator: fc.constantFrom('In' as const, 'NotIn' as const),
        values: fc.array(value, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
    ),
    { maxLength: 3 },
  ),
});

test('a LabelSelector object and its string select the same', () => {
  fc.assert(
    fc.property(selectors, labelSets, (selector, labels) => {
      assert.equal(
        selects(formatSelector(selector), labels),
        matchesSelector(selector, labels),
        formatSelector(selector),
      );
    }),
  );
});

test('label keys are names with an optional DNS prefix', () => {
  for (const good of ['app', 'a.b_c-d', 'example.com/app', 'x']) assert.ok(isLabelKey(good), good);
  for (const bad of ['', '/app', 'Example.com/app', 'example.com/', '-a', 'a-', 'a b'])
    assert.ok(!isLabelKey(bad), bad);
});

test('a field selector selects by the fields that a kind exposes', () => {
  const fields: Readonly<Record<string, string>> = { 'spec.nodeName': 'node-1', 'metadata.name': 'a,b=c\\' };
  const chosen = (text: string) => matchesFields(parseFieldSelector(text), path => fields[path]);
  assert.ok(chosen(''));
  assert.ok(chosen('spec.nodeName=node-1'));
  assert.ok(chosen('spec.nodeName==node-1,status.phase!=Running'));
  assert.ok(!chosen('spec.nodeName!=node-1'));
  assert.ok(chosen('status.phase='), 'an absent field is empty');
  assert.ok(chosen('metadata.name=a\\,b\\=c\\\\'));
  assert.throws(() => parseFieldSelector('spec.nodeName'), FairleadError);
});
