import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../status.ts';
import { TEST_KINDS } from '../testing/kinds.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

test('label selectors choose as upstream does', () => {
  const labels = { app: 'web', tier: 'front', cores: '8', empty: '' };
  const cases: readonly (readonly [string, boolean])[] = [
    ['app=web', true],
    ['app==web', true],
    ['app = web , tier=front', true],
    ['app!=web', false],
    ['missing!=web', true],
    ['app', true],
    ['!app', false],
    ['!missing', true],
    ['app in (web,api)', true],
    ['app notin (web, api)', false],
    ['missing notin (web)', true],
    ['missing in (web)', false],
    ['cores>4', true],
    ['cores<4', false],
    ['app>4', false],
    ['empty=', true],
    ['empty in (,x)', true],
    ['example.com/app=web', false],
    ['app=web,tier=back', false],
  ];
  for (const [selector, expected] of cases)
    assert.equal(parseLabelSelector(selector)?.(labels), expected, selector);
  assert.equal(parseLabelSelector(''), undefined);
});

test('a broken label selector is refused', () => {
  for (const selector of [
    '=',
    'a=b=c',
    'a in b',
    'a in (b',
    'a,',
    'a b',
    '!',
    '-a',
    'a=-',
    'a>x',
    'a in ()x',
    '(a)',
    'a'.repeat(40_000),
  ]) {
    assert.throws(() => parseLabelSelector(selector), StatusError, selector.slice(0, 20));
  }
});

test('field selectors read what the kind offers, with escapes', () => {
  const pod = TEST_KINDS.find(kind => kind.kind === 'Pod');
  assert.ok(pod);
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'b' },
    spec: { nodeName: 'n,1' },
  };
  const matches = (text: string) => parseFieldSelector(text, pod)?.matches(object);
  assert.equal(matches('metadata.name=a,metadata.namespace==b'), true);
  assert.equal(matches(String.raw`spec.nodeName=n\,1`), true);
  assert.equal(matches('spec.nodeName!='), true);
  assert.equal(matches('spec.nodeName='), false);
  assert.equal(parseFieldSelector('metadata.name=a', pod)?.name, 'a');
  for (const text of ['a', 'spec.other=1', 'constructor=1', String.raw`metadata.name=a\x`]) {
    assert.throws(() => matches(text), StatusError, text);
  }
});
