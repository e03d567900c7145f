import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ApiObject, Fields } from '../object.ts';
import { isFields } from '../object.ts';
import type { Kind } from '../kind.ts';
import { builtInKinds } from './index.ts';
import { Types } from './schema/types.ts';
import { GROUPS } from './tables/index.ts';
import { anyObject } from './testing/any-object.ts';

const types = new Types(GROUPS);
const kinds = builtInKinds(types);

/** Everything that the handler does with a body: none of it may throw, whatever the body holds. */
function handle(kind: Kind, body: Fields): void {
  kind.unknownFields(body);
  if (kind.typeErrors(body).length > 0) return;
  const metadata = isFields(body['metadata']) ? body['metadata'] : {};
  const object: ApiObject = { ...body, apiVersion: 'v1', kind: kind.kind, metadata };
  const pruned = kind.withoutUnknownFields(object);
  assert.equal(kind.withoutUnknownFields(pruned), pruned, 'pruning is done once');
  const defaulted = kind.withDefaults(pruned);
  assert.deepEqual(kind.withDefaults(defaulted), defaulted, 'defaults of defaults are the same');
  const created = kind.strategy.onCreate?.(defaulted) ?? defaulted;
  const updated = kind.strategy.onUpdate?.(defaulted, created) ?? created;
  for (const subresource of [undefined, 'status']) {
    kind.validate(created, undefined, subresource);
    kind.validate(updated, created, subresource);
  }
  assert.equal(kind.cells(created, 0).length, kind.columns.length);
  for (const read of Object.values(kind.fieldSelectors)) assert.equal(typeof read(created), 'string');
  kind.strategy.gracePeriodSeconds?.(created, undefined);
  for (const { scale } of kind.subresources) scale?.selector(created);
}

test('any JSON is checked, defaulted and printed without an accident', () => {
  const anything = fc.dictionary(
    fc.constantFrom(
      'spec',
      'status',
      'metadata',
      'data',
      'type',
      'subsets',
      'endpoints',
      'ports',
      '__proto__',
      'x',
    ),
    fc.jsonValue({ maxDepth: 4 }),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.constantFrom(...kinds), anything, (kind, body) => handle(kind, body)),
    { numRuns: 3000 },
  );
});

test('objects that fit their schema in odd ways are checked, defaulted and printed without an accident', () => {
  for (const kind of kinds) {
    fc.assert(
      fc.property(anyObject(types, types.get(kind.schema), 12), body => handle(kind, body)),
      { numRuns: 60 },
    );
  }
});

test('objects with holes and strangers in them are checked, defaulted and printed without an accident', () => {
  for (const kind of kinds) {
    const broken = anyObject(types, types.get(kind.schema), 12).chain(body =>
      fc
        .tuple(fc.constant(body), fc.infiniteStream(fc.nat(30)))
        .map(([whole, dice]) => damaged(whole, dice) as Fields),
    );
    fc.assert(
      fc.property(broken, body => handle(kind, body)),
      { numRuns: 60 },
    );
  }
});

/** A copy in which here and there a value is null, empty, or of another type. */
function damaged(value: unknown, dice: Iterator<number>): unknown {
  const roll = Number(dice.next().value);
  if (roll < 6 && !isFields(value)) return [null, [], {}, '', 0, 'x'][roll];
  if (Array.isArray(value)) return value.map(item => damaged(item, dice));
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, damaged(item, dice)] as const));
}
