import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandPattern } from './expand-pattern.ts';

const plain = (pattern: string): unknown => {
  const { branches, why } = expandPattern(pattern);
  return branches?.map(({ text, follows }) => `${text} ${follows}`) ?? why;
};

for (const [pattern, ways] of [
  ['/foo', ['/foo rest']],
  ['/foo$', ['/foo end']],
  ['/x(/|$)(.*)', ['/x/ rest', '/x end']],
  ['/x/(.*)', ['/x/ rest']],
  ['/x/?(.*)', ['/x/ rest', '/x rest']],
  ['/x(/.*)?$', ['/x/ rest', '/x end']],
  ['/(a|b)/?', ['/a/ rest', '/a rest', '/b/ rest', '/b rest']],
  ['^/x', ['/x rest']],
  ['/api/(?:v1|v2)(/|$)(.*)', ['/api/v1/ rest', '/api/v1 end', '/api/v2/ rest', '/api/v2 end']],
  ['/x/.+', ['/x/ more']],
  [String.raw`/a\.b`, ['/a.b rest']],
  ['/a[.]b', ['/a.b rest']],
  ['//*x', ['//x rest', '/x rest']],
] as const)
  test(`${pattern} is ${ways.join(', ')}`, () => assert.deepEqual(plain(pattern), ways));

for (const pattern of [
  String.raw`/\d+`,
  '/[a-z]+/x',
  '/(?!x)',
  '/(a+)+$',
  '/.*/x',
  '/(a|b)*c',
  '/a|/b',
  '/(',
  '/)',
  '/[',
  `/${'(a|b)'.repeat(20)}`,
  '('.repeat(500),
  'x'.repeat(5000),
  '/((((a|b|c|d){1,3}){1,3}){1,3}){1,3}',
])
  test(`${pattern.slice(0, 40)} is not plain, and that is said at once`, () => {
    const begun = performance.now();
    const { branches, why } = expandPattern(pattern);
    assert.equal(branches, undefined);
    assert.equal(typeof why, 'string');
    assert.ok(performance.now() - begun < 1000);
  });

test('captures say which part of the path they take', () => {
  const { branches } = expandPattern('/x(/|$)(.*)');
  assert.deepEqual(
    branches?.[0]?.captures,
    new Map([
      [1, ['/']],
      [2, [undefined]],
    ]),
  );
  assert.deepEqual(
    branches?.[1]?.captures,
    new Map([
      [1, []],
      [2, []],
    ]),
  );
});

test('a dot that is not escaped is read as a dot, and marked', () => {
  assert.deepEqual(
    expandPattern('/v1.0').branches?.map(({ dots, text }) => [text, dots]),
    [['/v1.0', true]],
  );
});
