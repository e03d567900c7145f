import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPattern } from './index.ts';

/** What JavaScript's engine says of patterns that mean the same in both. */
const cases: readonly (readonly [pattern: string, texts: readonly string[]])[] = [
  ['^/foo', ['/foo', '/foobar', '/a/foo', '']],
  ['^/x(/|$)(.*)', ['/x', '/x/', '/x/a/b', '/xy', '/x/a\nb']],
  ['^/api/v[0-9]+/(users|orders)?$', ['/api/v1/', '/api/v12/users', '/api/v/users', '/api/v1/usersx']],
  ['^/a|/b', ['/a', '/c/b', '/c']],
  ['(a|ab)(c|bcd)(d*)', ['abcd', 'xabcdd', 'ac']],
  ['a{2,3}', ['a', 'aa', 'aaaa']],
  ['a{2}b{0}', ['aa', 'ab']],
  ['^(?:/(.*?))?/end$', ['/end', '/a/end', '/a/b/end']],
  ['[^/]+\\.php', ['/index.php', '/.php', 'a/b.phpx']],
  ['(a*)*', ['aaa', 'b', '']],
  ['(a+)+$', ['aaaa', 'aaab']],
  ['x*?y', ['xxy', 'y']],
  ['\\bfoo\\b', ['a foo b', 'afoo', 'foo']],
  ['[\\w.-]+@[a-f\\d]', ['a.b-c@f', '@1']],
  ['a{,2}', ['a{,2}', 'aa']],
];

for (const [source, texts] of cases)
  test(`the pattern ${source} finds what a backtracking engine finds`, () => {
    const pattern = readPattern(source, false);
    assert.ok(pattern.isJudged);
    for (const text of texts) {
      const expected = new RegExp(source, 'd').exec(text);
      const spans = expected?.indices?.flatMap(span => (span === undefined ? [-1, -1] : [...span]));
      assert.deepEqual(pattern.search(text), spans ?? undefined, JSON.stringify(text));
    }
  });

test('letters of either case are one where case is ignored, in classes too', () => {
  const pattern = readPattern('^/Foo[a-c]', true);
  assert.ok(pattern.isJudged);
  assert.ok(pattern.search('/fOOB'));
  assert.equal(pattern.search('/fOOd'), undefined);
  const flagged = readPattern('(?i)/Foo(?-i:X)', false);
  assert.ok(flagged.isJudged);
  assert.ok(flagged.search('/fooX'));
  assert.equal(flagged.search('/foox'), undefined);
});

test('a dollar stands before a final newline, as PCRE has it', () => {
  const pattern = readPattern('^/a$', false);
  assert.ok(pattern.isJudged);
  assert.ok(pattern.search('/a\n'));
  assert.equal(pattern.search('/a\n\n'), undefined);
});

for (const source of [
  '/(?!api).*',
  String.raw`(a)\1`,
  '(?>a+)b',
  'a++b',
  '(?R)',
  String.raw`\p{L}`,
  '(?x) a',
])
  test(`the pattern ${source} is said to be beyond judgement, not guessed`, () => {
    const pattern = readPattern(source, false);
    assert.equal(pattern.isJudged, false);
    assert.equal(pattern.isBroken, false);
  });

for (const source of ['(a', 'a)', '[a', '*a', 'a**', 'a{3,2}', '[z-a]'])
  test(`the pattern ${source} is broken for PCRE as well`, () => {
    const pattern = readPattern(source, false);
    assert.equal(pattern.isJudged, false);
    assert.equal(pattern.isBroken, true);
  });

test('patterns that explode elsewhere take time in proportion to the text', () => {
  const pattern = readPattern('^(([a-z])+.)+[A-Z]([a-z])+$', false);
  assert.ok(pattern.isJudged);
  const started = performance.now();
  assert.equal(pattern.search('a'.repeat(5000)), undefined);
  assert.ok(performance.now() - started < 5000);
});

test('a pattern of many nested counts is refused at once', () => {
  for (const source of ['((a{1000}){1000}){1000}', '(?:(?:(?:){65535}){65535}){65535}']) {
    const pattern = readPattern(source, false);
    assert.ok(pattern.isJudged ? pattern.search('') !== undefined : pattern.reason !== '');
  }
});
