import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MergeSchema } from '../kind.ts';
import type { Fields } from '../object.ts';
import { StrategicPatchError, strategicMerge } from './strategic-merge.ts';

/** A schema written as a tree; `list` holds the merge key of a list of objects, or '' for a list of scalars. */
interface Tree {
  readonly list?: string;
  readonly replace?: boolean;
  readonly retainKeys?: boolean;
  readonly fields?: Readonly<Record<string, Tree>>;
}

function schemaOf(tree: Tree): MergeSchema {
  const { list, replace = false, retainKeys = false, fields = {} } = tree;
  const items: MergeSchema | undefined = list === undefined ? undefined : schemaOf({ fields });
  return {
    field: name => (fields[name] === undefined ? undefined : schemaOf(fields[name])),
    items: () => items,
    strategies: [
      ...(list === undefined ? [] : (['merge'] as const)),
      ...(replace ? (['replace'] as const) : []),
      ...(retainKeys ? (['retainKeys'] as const) : []),
    ],
    mergeKey: list === undefined || list === '' ? undefined : list,
  };
}

const SCHEMA = schemaOf({
  fields: {
    containers: { list: 'name', fields: { ports: { list: 'port' }, args: {}, env: { list: 'name' } } },
    finalizers: { list: '' },
    plain: {},
    whole: { replace: true },
    strategy: { retainKeys: true },
  },
});

interface Case {
  readonly name: string;
  readonly original: Fields;
  readonly patch: Fields;
  readonly result: Fields | 'refused';
}

const CASES: readonly Case[] = [
  {
    name: 'fields are set, and null removes',
    original: { a: 1, b: 2 },
    patch: { a: 3, b: null, c: null },
    result: { a: 3 },
  },
  {
    name: 'objects merge at every depth, and nulls in a new object are dropped',
    original: { m: { a: 1, n: { b: 2 } } },
    patch: { m: { n: { c: 3 } }, fresh: { a: null, b: 1 } },
    result: { m: { a: 1, n: { b: 2, c: 3 } }, fresh: { b: 1 } },
  },
  {
    name: 'a value of another type is replaced',
    original: { m: { a: 1 }, s: 'x' },
    patch: { m: 'text', s: { a: 1 } },
    result: { m: 'text', s: { a: 1 } },
  },
  {
    name: 'a list without a strategy is replaced',
    original: { plain: [1, 2] },
    patch: { plain: [3] },
    result: { plain: [3] },
  },
  {
    name: 'a list of objects is merged by its key, in the order of the patch',
    original: { containers: [{ name: 'a', image: '1', args: ['x'] }, { name: 'b' }] },
    patch: { containers: [{ name: 'c' }, { name: 'a', image: '2' }] },
    result: { containers: [{ name: 'c' }, { name: 'a', image: '2', args: ['x'] }, { name: 'b' }] },
  },
  {
    name: 'lists within items are merged by their own key',
    original: { containers: [{ name: 'a', ports: [{ port: 80 }, { port: 81, protocol: 'UDP' }] }] },
    patch: { containers: [{ name: 'a', ports: [{ port: 81, protocol: 'TCP' }] }] },
    result: { containers: [{ name: 'a', ports: [{ port: 80 }, { port: 81, protocol: 'TCP' }] }] },
  },
  {
    name: '$patch: delete removes an item, also one that is not there',
    original: { containers: [{ name: 'a' }, { name: 'b' }] },
    patch: {
      containers: [
        { $patch: 'delete', name: 'a' },
        { $patch: 'delete', name: 'x' },
      ],
    },
    result: { containers: [{ name: 'b' }] },
  },
  {
    name: '$patch: replace in a list replaces the whole list',
    original: { containers: [{ name: 'a' }, { name: 'b' }] },
    patch: { containers: [{ name: 'c' }, { $patch: 'replace' }] },
    result: { containers: [{ name: 'c' }] },
  },
  {
    name: '$patch: replace in an object replaces it',
    original: { m: { a: 1 } },
    patch: { m: { $patch: 'replace', b: 2 } },
    result: { m: { b: 2 } },
  },
  {
    name: '$patch: delete in an object empties it',
    original: { m: { a: 1 } },
    patch: { m: { $patch: 'delete' } },
    result: { m: {} },
  },
  {
    name: 'a field with the replace strategy is replaced',
    original: { whole: { a: 1 } },
    patch: { whole: { b: 2 } },
    result: { whole: { b: 2 } },
  },
  {
    name: 'a list of scalars is a union',
    original: { finalizers: ['a', 'b'] },
    patch: { finalizers: ['b', 'c', 'c'] },
    result: { finalizers: ['a', 'b', 'c'] },
  },
  {
    name: '$deleteFromPrimitiveList removes scalars',
    original: { finalizers: ['a', 'b', 'c'] },
    patch: { '$deleteFromPrimitiveList/finalizers': ['b'], finalizers: ['d'] },
    result: { finalizers: ['d', 'a', 'c'] },
  },
  {
    name: '$setElementOrder orders what it names; the server’s own items keep their place',
    original: { containers: [{ name: 'a' }, { name: 'server' }, { name: 'b' }] },
    patch: {
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'new' }, { name: 'a' }],
      containers: [{ name: 'new' }],
    },
    result: { containers: [{ name: 'server' }, { name: 'b' }, { name: 'new' }, { name: 'a' }] },
  },
  {
    name: '$setElementOrder alone reorders, scalars too',
    original: { finalizers: ['a', 'b', 'c'] },
    patch: { '$setElementOrder/finalizers': ['c', 'a', 'b'] },
    result: { finalizers: ['c', 'a', 'b'] },
  },
  {
    name: 'a deletion need not be in the element order',
    original: { containers: [{ name: 'a' }, { name: 'b' }] },
    patch: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ $patch: 'delete', name: 'a' }] },
    result: { containers: [{ name: 'b' }] },
  },
  {
    name: '$retainKeys drops what it does not name',
    original: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    result: { strategy: { type: 'Recreate' } },
  },
  {
    name: 'directives never end up in a new object',
    original: {},
    patch: {
      containers: [{ name: 'a', '$setElementOrder/env': [{ name: 'x' }], env: [{ name: 'x' }] }],
      strategy: { $retainKeys: ['type'], type: 'A' },
    },
    result: { containers: [{ name: 'a', env: [{ name: 'x' }] }], strategy: { type: 'A' } },
  },
  {
    name: 'an item without its merge key is refused',
    original: {},
    patch: { containers: [{ image: 'x' }] },
    result: 'refused',
  },
  {
    name: 'an unknown directive is refused',
    original: {},
    patch: { m: { $patch: 'explode' } },
    result: 'refused',
  },
  {
    name: 'a patch outside its own element order is refused',
    original: {},
    patch: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'b' }] },
    result: 'refused',
  },
  {
    name: 'a patch that sets what it drops is refused',
    original: {},
    patch: { strategy: { $retainKeys: ['type'], other: 1 } },
    result: 'refused',
  },
  {
    name: 'an order that is no list is refused',
    original: {},
    patch: { '$setElementOrder/containers': 'a' },
    result: 'refused',
  },
];

for (const { name, original, patch, result } of CASES) {
  test(`strategic merge: ${name}`, () => {
    const before = structuredClone(original);
    if (result === 'refused') {
      assert.throws(() => strategicMerge(original, patch, SCHEMA), StrategicPatchError);
    } else {
      const merged = strategicMerge(original, patch, SCHEMA);
      assert.deepEqual(merged, result);
      assert.deepEqual(strategicMerge(merged, patch, SCHEMA), result, 'the same patch again changes nothing');
    }
    assert.deepEqual(original, before, 'the original is not touched');
  });
}
