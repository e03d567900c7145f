import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinearPattern } from './linear-pattern.ts';
import { boundBacktracking } from './bound-backtracking.ts';
import { isBounded, testerOf } from './pattern.ts';

boundBacktracking();

/** Pattern, texts that have it, texts that do not. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['^(a|b){2,3}$', ['ab', 'bab'], ['a', 'abab', 'ac']],
  ['^([0-9]{1,5}(h|m|s|ms)){1,4}$', ['1h', '10m5s', '1h2m3s4ms'], ['', '1', '1h2m3s4ms5s', '123456s']],
  ['^([a-z0-9]([-a-z0-9]*[a-z0-9])?\\.){1,3}x$', ['a.x', 'a-b.c.d.x'], ['x', '-a.x', 'a.b.c.d.x']],
  ['(foo|ba[rz]){2}', ['foofoo', 'xxbarbazyy'], ['foo bar']],
  ['^(?:\\d{2}|[^\\d\\]]){2}$', ['12ab'.slice(0, 3), 'ab', '1234'], ['1', '123', ']]']],
  ['^(?i)(ab){2}$', ['abAB'], ['aab']],
  ['\\b(a){2}\\b', ['aa', 'x aa y'], ['aaa', 'xaa']],
  ['^(a{0}b){2}$', ['bb'], ['abab']],
  ['^(.|\\n){3}$', ['a\nb'], ['ab']],
  ['^(a|){2}$', ['', 'a', 'aa'], ['aaa']],
  ['^(\\(|\\{){2}$', ['({'], ['(((']],
  ['^(?i:(ab)+)c{2,3}$', ['aBcc', 'ABABccc'], ['abCC', 'abc']],
  ['(?i)(?-i:(a)+)b$', ['aab', 'aB'], ['Ab']],
  ['(?m)^(?i:(a)+)x{2}$', ['b\nAxx\nc'], ['bAxx']],
  ['^[[:digit:]]+$', ['12'], ['', 'a', ':]']],
  ['^[^[:alpha:]_]$', ['1', ']'], ['a', '_']],
  ['^[]a]+$', [']a'], ['b', '']],
  ['\\Aa\\z', ['a'], ['Aaz', 'ba', 'ab']],
  ['^\\Qa.b(\\Ec$', ['a.b(c'], ['axb(c']],
  ['^(?P<name>a)\\x{62}$', ['ab'], ['a']],
];

for (const [pattern, having, lacking] of CASES) {
  test(`the pattern ${pattern} is found where it is, and nowhere else`, () => {
    const tester = testerOf(pattern);
    for (const text of having) assert.equal(tester?.test(text), true, JSON.stringify(text));
    for (const text of lacking) assert.equal(tester?.test(text), false, JSON.stringify(text));
  });
}

test('a pattern that would take for ever is answered at once', () => {
  for (const pattern of [
    '^(a|aa){1,200}$',
    '^(a+){1,30}$',
    '^((a{1,4}){1,4}){1,4}$',
    '^(a|a){1,1000}$',
    '^(a+)+$',
    '(?i)(a+)+$',
    '(?i:(a+)+)$',
    '(a+)+x{2,1000}',
    '(?i)^a*a*a*a*a*a*c',
    '^a{0,200}a{0,200}a{0,200}a{0,200}c',
    `(?i)^${'a?'.repeat(40)}${'a'.repeat(40)}c`,
    `(?i)^${'(?:a|a)'.repeat(40)}c`,
  ]) {
    const started = performance.now();
    assert.equal(testerOf(pattern)?.test(`${'a'.repeat(2000)}b`), false);
    assert.ok(performance.now() - started < 20_000, pattern);
  }
});

test('a pattern that is too large once its repetitions are written out is not read', () => {
  assert.equal(testerOf('^((((a{10}){10}){10}){10}){10}$'), undefined);
});

test('what RE2 does not have, and what cannot be said here, is not read', () => {
  for (const one of [
    '\\p{Greek}',
    '\\C',
    '\\u0061',
    '\\cA',
    '[\\b]',
    '[[:nothing:]]',
    'a{1001}',
    '(?m)a\\z',
    '[',
  ])
    assert.equal(testerOf(one), undefined, one);
});

test('only patterns with several choices that the engine does not take in bounded time need more', () => {
  const patterns = [
    /a{2}/,
    /[)]{2}/,
    /\){2}/,
    /(a)*/,
    /^(a+)+$/,
    /(a+)+$/i,
    /(?i:(a+)+)$/,
    /(a|aa){1,200}/,
    /^a*$/i,
    /a*a*b/i,
  ];
  assert.deepEqual(patterns.map(isBounded), [true, true, true, true, true, false, false, false, true, false]);
});

/** Patterns of a few letters, whose every construct is understood by both engines. */
const pattern = fc.letrec<{ node: string; atom: string }>(tie => ({
  atom: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', 'a?', 'b*'),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('node'), fc.nat(2), fc.nat(2)).map(([a, min, more]) => `(?:${a}){${min},${min + more}}`),
  ),
  node: fc.array(tie('atom'), { minLength: 1, maxLength: 3 }).map(parts => parts.join('')),
})).node;

test('both engines agree about all patterns and texts', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, fc.boolean(), (source, subject, isWhole) => {
      const whole = isWhole ? `^(?:${source})$` : source;
      assert.equal(new LinearPattern(whole, '').test(subject), new RegExp(whole).test(subject));
    }),
    { numRuns: 500 },
  );
});
