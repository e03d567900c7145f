import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { builtInKinds } from '../kinds/index.ts';
import type { ApiObject, Fields } from '../object.ts';
import { compare } from './compare.ts';
import {
  difference,
  intersection,
  isEmpty,
  pathText,
  pathsOf,
  readFields,
  union,
  writeFields,
} from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { readManagers, writeManagers } from './managers.ts';
import type { Manager } from './managers.ts';
import { ownedBy } from './owned.ts';
import { BY_VALUE } from './ownership-schema.ts';
import { mergeApplied } from './merge.ts';
import { afterApply, afterUpdate } from './track.ts';

const deployments = builtInKinds().find(kind => kind.plural === 'deployments');
const schema = deployments?.ownership?.() ?? assert.fail('Deployments are owned by field');

const writer = (manager: string, operation: 'Apply' | 'Update' = 'Apply') =>
  ({ manager, operation, apiVersion: 'apps/v1', subresource: '', time: '2026-01-01T00:00:00Z' }) as const;

const texts = (set: FieldSet): readonly string[] => [...pathsOf(set)].map(pathText);

const deployment = (spec: Fields, metadata: Fields = {}): ApiObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec,
});

const containers = (...items: readonly Fields[]): Fields => ({ template: { spec: { containers: items } } });

test('list items are owned by their keys, defaults of keys included', () => {
  const container = { name: 'a', image: 'x', ports: [{ containerPort: 80 }], args: ['b'] };
  const set = ownedBy(schema, deployment(containers(container)));
  const item = '.spec.template.spec.containers[name="a"]';
  for (const place of [
    item,
    `${item}.image`,
    `${item}.args`,
    `${item}.ports[containerPort=80,protocol="TCP"].containerPort`,
  ]) {
    assert.ok(texts(set).includes(place), `${place} in ${texts(set).join(' ')}`);
  }
});

test('a field that another applier owns with another value is a conflict, until forced', () => {
  const first = afterApply(schema, undefined, deployment({ replicas: 1 }), [], writer('one'));
  const live = first.object as ApiObject;
  const again = afterApply(schema, live, deployment({ replicas: 1 }), first.managers, writer('two'));
  assert.deepEqual(again.conflicts, [], 'the same value is shared');
  const other = afterApply(schema, live, deployment({ replicas: 2 }), first.managers, writer('two'));
  assert.deepEqual(
    other.conflicts.map(conflict => [conflict.manager.manager, texts(conflict.fields)]),
    [['one', ['.spec.replicas']]],
  );
  assert.ok(
    !other.managers.some(
      ({ manager, fields }) => manager === 'one' && texts(fields).includes('.spec.replicas'),
    ),
  );
});

test('what is applied no longer goes, unless someone else applies it too', () => {
  const labels = (names: readonly string[]) => ({
    labels: Object.fromEntries(names.map(name => [name, 'x'])),
  });
  const one = afterApply(schema, undefined, deployment({}, labels(['a', 'b', 'c'])), [], writer('one'));
  const two = afterApply(
    schema,
    one.object as ApiObject,
    deployment({}, labels(['b'])),
    one.managers,
    writer('two'),
  );
  const live = two.object as ApiObject;
  const less = afterApply(schema, live, deployment({}, labels(['a'])), two.managers, writer('one'));
  assert.deepEqual((less.object as ApiObject).metadata.labels, { a: 'x', b: 'x' });
});

test('containers of two appliers stand side by side, and each takes away its own alone', () => {
  const one = afterApply(
    schema,
    undefined,
    deployment(containers({ name: 'a', image: '1' })),
    [],
    writer('one'),
  );
  const two = afterApply(
    schema,
    one.object as ApiObject,
    deployment(containers({ name: 'b', image: '2' })),
    one.managers,
    writer('two'),
  );
  assert.deepEqual(two.conflicts, []);
  assert.deepEqual(namesIn(two.object), ['a', 'b']);
  const gone = afterApply(
    schema,
    two.object as ApiObject,
    deployment({ paused: true }),
    two.managers,
    writer('two'),
  );
  assert.deepEqual(namesIn(gone.object), ['a']);
});

const namesIn = (object: Fields): readonly unknown[] =>
  (object['spec'] as { template: { spec: { containers: readonly Fields[] } } }).template.spec.containers.map(
    container => container['name'],
  );

test('an update takes what it changes from whoever had it', () => {
  const one = afterApply(schema, undefined, deployment({ replicas: 1, paused: true }), [], writer('one'));
  const after = deployment({ replicas: 3, paused: true });
  const managers = afterUpdate(
    schema,
    { before: one.object, after },
    one.managers,
    writer('scaler', 'Update'),
  );
  const of = (name: string) => texts(managers.find(({ manager }) => manager === name)?.fields ?? {});
  assert.deepEqual(of('one'), ['.spec.paused']);
  assert.deepEqual(of('scaler'), ['.spec.replicas']);
});

test('structs that are always there are not owned themselves, pointers and maps are', () => {
  const after = deployment(
    { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
    { labels: { a: 'b' } },
  );
  const { added } = compare(schema, {}, after);
  const places = texts(added);
  assert.ok(!places.includes('.spec') && !places.includes('.spec.strategy'), places.join(' '));
  for (const place of ['.metadata.labels', '.spec.strategy.rollingUpdate', '.spec.strategy.type']) {
    assert.ok(places.includes(place), `${place} in ${places.join(' ')}`);
  }
});

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1', 'i:0');
const sets: fc.Arbitrary<FieldSet> = fc
  .array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 12 })
  .map(paths => {
    const tree: Record<string, unknown> = {};
    for (const path of paths) {
      let at = tree;
      for (const step of path) at = (at[step] ??= {}) as Record<string, unknown>;
      at['.'] = {};
    }
    return readFields(tree) ?? assert.fail('a set that was written reads');
  });

test('sets of fields are sets: what is in each outcome follows from what is in the two', () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const [left, right] = [new Set(texts(a)), new Set(texts(b))];
      assert.deepEqual(new Set(texts(union(a, b))), left.union(right));
      assert.deepEqual(new Set(texts(intersection(a, b))), left.intersection(right));
      assert.deepEqual(new Set(texts(difference(a, b))), left.difference(right));
      assert.equal(isEmpty(difference(a, a)), true);
      assert.deepEqual(texts(readFields(writeFields(a)) ?? {}), texts(a));
    }),
    { numRuns: 200 },
  );
});

test('whatever stands in managedFields is read or refused', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.anything(),
          fc.record({
            manager: fc.string(),
            operation: fc.constantFrom('Apply', 'Update'),
            fieldsType: fc.constant('FieldsV1'),
            fieldsV1: fc.jsonValue(),
          }),
        ),
      ),
      entries => {
        const managers = readManagers(entries);
        if (managers !== undefined) writeManagers(managers);
      },
    ),
    { numRuns: 300 },
  );
  let deep: Fields = {};
  for (let depth = 0; depth < 5000; depth++) deep = { 'f:a': deep };
  assert.equal(readFields(deep), undefined);
});

test('of many that update, the oldest become one', () => {
  const many: readonly Manager[] = Array.from({ length: 14 }, (_, index) => ({
    ...writer(`m${index}`, 'Update'),
    time: `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`,
    fields: readFields({ [`f:${index}`]: {} }) ?? {},
  }));
  const written = writeManagers(many) as readonly { manager: string; fieldsV1: Fields }[];
  assert.equal(written.length, 10);
  assert.deepEqual(
    Object.keys(written.find(one => one.manager === 'ancient-changes')?.fieldsV1 ?? {}).length,
    5,
  );
});

test('two lists of a hundred thousand items merge at once', () => {
  const items = (from: string) => Array.from({ length: 100_000 }, (_, index) => `${from}${index}`);
  const field = () => ({ schema: BY_VALUE, declared: true });
  const began = performance.now();
  const merged = mergeApplied({ owned: 'by-field', field }, { a: items('a') }, { a: items('b') });
  assert.equal((merged['a'] as readonly unknown[]).length, 200_000);
  assert.ok(performance.now() - began < 5000);
});
