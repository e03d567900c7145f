import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonPatchError, jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

/** The examples of RFC 6902, appendix A, and what goes wrong. */
const CASES: readonly (readonly [string, unknown, readonly object[], unknown])[] = [
  ['adds a field', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
  [
    'adds a list item',
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    { foo: ['bar', 'qux', 'baz'] },
  ],
  ['removes a field', { baz: 1, foo: 2 }, [{ op: 'remove', path: '/baz' }], { foo: 2 }],
  ['removes a list item', { foo: [1, 2, 3] }, [{ op: 'remove', path: '/foo/1' }], { foo: [1, 3] }],
  ['replaces a value', { baz: 1 }, [{ op: 'replace', path: '/baz', value: 2 }], { baz: 2 }],
  [
    'moves a value',
    { a: { b: 1 }, c: {} },
    [{ op: 'move', from: '/a/b', path: '/c/d' }],
    { a: {}, c: { d: 1 } },
  ],
  [
    'moves a list item',
    { foo: [1, 2, 3] },
    [{ op: 'move', from: '/foo/0', path: '/foo/2' }],
    { foo: [2, 3, 1] },
  ],
  [
    'copies a value',
    { a: [1] },
    [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'add', path: '/b/-', value: 2 },
    ],
    { a: [1], b: [1, 2] },
  ],
  [
    'tests a value',
    { a: { b: [1], c: 2 } },
    [{ op: 'test', path: '/a', value: { c: 2, b: [1] } }],
    { a: { b: [1], c: 2 } },
  ],
  [
    'reads escaped steps',
    { 'a/b': 1, 'm~n': 2 },
    [
      { op: 'replace', path: '/a~1b', value: 3 },
      { op: 'remove', path: '/m~0n' },
    ],
    { 'a/b': 3 },
  ],
  ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ['sets null', { a: 1 }, [{ op: 'add', path: '/a', value: null }], { a: null }],
  ['refuses a failed test', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }], undefined],
  ['refuses a missing path', { a: 1 }, [{ op: 'remove', path: '/b' }], undefined],
  ['sets what is not there', { a: 1 }, [{ op: 'replace', path: '/b', value: 1 }], { a: 1, b: 1 }],
  ['takes an absent field for null', { a: 1 }, [{ op: 'test', path: '/b', value: null }], { a: 1 }],
  ['refuses to replace beyond the end', { a: [] }, [{ op: 'replace', path: '/a/0', value: 1 }], undefined],
  ['refuses a missing parent', {}, [{ op: 'add', path: '/a/b', value: 1 }], undefined],
  ['refuses a bad index', { a: [] }, [{ op: 'add', path: '/a/01', value: 1 }], undefined],
  ['refuses an index beyond the end', { a: [] }, [{ op: 'add', path: '/a/1', value: 1 }], undefined],
  ['refuses to move into itself', { a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }], undefined],
  ['refuses an unknown operation', {}, [{ op: 'explode', path: '' }], undefined],
  ['refuses a missing value', {}, [{ op: 'add', path: '/a' }], undefined],
  ['refuses the prototype', {}, [{ op: 'add', path: '/__proto__/x', value: 1 }], undefined],
];

for (const [name, document, patch, result] of CASES) {
  test(`JSON patch ${name}`, () => {
    const before = structuredClone(document);
    if (result === undefined) assert.throws(() => jsonPatch(document, patch), JsonPatchError);
    else assert.deepEqual(jsonPatch(document, patch), result);
    assert.deepEqual(document, before);
  });
}

test('copies of copies are bounded', () => {
  const patch = Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '', path: `/a${index}` }));
  assert.throws(() => jsonPatch({ x: 'x'.repeat(100) }, patch), /copies more than/);
});

test('merge patch passes the examples of RFC 7396', () => {
  const cases: readonly (readonly [unknown, unknown, unknown])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) assert.deepEqual(mergePatch(target, patch), result);
});
