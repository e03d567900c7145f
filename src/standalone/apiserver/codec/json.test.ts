import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StatusError } from '../status.ts';
import { equalJson, parseJson } from './json.ts';

test('fields that stand twice are found with their path, the rest is read as JSON.parse does', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"b":2},"b":[{"c":1},{"c":1,"c":2}]}', ['a.b', 'b[1].c']],
    ['{"a":"a\\"","b":"{\\"a\\":1,\\"a\\":2}"}', []],
    [String.raw`{"a":1,"\u0061":2}`, ['a']],
    ['[{"a":1},{"a":1}]', []],
    ['{"a":{},"b":[],"c":{"a":[]}}', []],
    ['{"a":["a","a"],"b":"a"}', []],
  ];
  for (const [text, duplicates] of cases)
    assert.deepEqual(parseJson(text), { value: JSON.parse(text), duplicates });
});

test('every JSON value that JavaScript writes is read back without duplicates', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), value => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('__proto__'));
      assert.deepEqual(parseJson(text), { value: JSON.parse(text), duplicates: [] });
      assert.ok(equalJson(value, JSON.parse(text)));
    }),
  );
});

test('deep nesting, the prototype’s name and malformed text are refused', () => {
  for (const text of [
    '['.repeat(200) + ']'.repeat(200),
    '{"__proto__":1}',
    '{',
    '',
    '{"a":1,}',
    '\u{feff}{}',
  ]) {
    assert.throws(() => parseJson(text), StatusError);
  }
});

test('equality ignores the order of fields and fields that are undefined', () => {
  assert.ok(equalJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1, d: undefined }));
  for (const [a, b] of [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [
      [1, 2],
      [2, 1],
    ],
    [{}, []],
    [null, {}],
    [{ a: undefined }, { a: null }],
  ]) {
    assert.ok(!equalJson(a, b));
  }
});
