import { equalJson } from '../codec/json.ts';
import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';
import { FieldSetBuilder } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { byElement, isKeyed, itemSchema } from './items.ts';
import { fieldOf } from './ownership-schema.ts';
import type { OwnershipSchema } from './ownership-schema.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Which places differ between two objects of one schema. */
export function compare(schema: OwnershipSchema, before: Fields, after: Fields): Comparison {
  const builders: Builders = {
    added: new FieldSetBuilder(),
    modified: new FieldSetBuilder(),
    removed: new FieldSetBuilder(),
  };
  compareFields(schema, before, after, builders);
  return {
    added: builders.added.build(),
    modified: builders.modified.build(),
    removed: builders.removed.build(),
  };
}

interface Builders {
  readonly added: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
}

const within = ({ added, modified, removed }: Builders, element: string): Builders => ({
  added: added.within(element),
  modified: modified.within(element),
  removed: removed.within(element),
});

function compareFields(
  schema: OwnershipSchema,
  before: Fields | undefined,
  after: Fields | undefined,
  builders: Builders,
): void {
  const each = (name: string) => {
    const { schema: inner, zero } = fieldOf(schema, name);
    const left = before === undefined ? undefined : (own(before, name) ?? zero);
    const right = after === undefined ? undefined : (own(after, name) ?? zero);
    compareValue(inner, left, right, builders, `f:${name}`);
  };
  for (const name in before) each(name);
  for (const name in after) if (before === undefined || !Object.hasOwn(before, name)) each(name);
}

/** Null says as much as nothing. */
const own = (object: Fields, name: string): unknown =>
  Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;

function compareValue(
  schema: OwnershipSchema,
  before: unknown,
  after: unknown,
  builders: Builders,
  element: string,
): void {
  if (before === undefined && after === undefined) return;
  if (before === after) return;
  const bothEmpty = isNothing(before) && isNothing(after);
  const isObject = (value: unknown) => value === undefined || isFields(value);
  const isList = (value: unknown) => value === undefined || Array.isArray(value);
  if (schema.owned !== 'whole' && !bothEmpty) {
    if (isObject(before) && isObject(after) && !isKeyed(schema)) {
      mark(before, after, builders, element);
      compareFields(schema, before, after, within(builders, element));
      return;
    }
    if (isList(before) && isList(after) && isKeyed(schema)) {
      mark(before, after, builders, element);
      compareItems(
        schema,
        (before ?? []) as readonly unknown[],
        (after ?? []) as readonly unknown[],
        within(builders, element),
      );
      return;
    }
  }
  if (before === undefined) builders.added.add(element);
  else if (after === undefined) builders.removed.add(element);
  else if (!equalJson(before, after)) builders.modified.add(element);
}

/** A place that comes or goes is itself among what came or went. */
function mark(before: unknown, after: unknown, builders: Builders, element: string): void {
  if (before === undefined) builders.added.add(element);
  else if (after === undefined) builders.removed.add(element);
}

function isNothing(value: unknown): boolean {
  if (value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.keys(value).length === 0;
}

function compareItems(
  schema: Extract<OwnershipSchema, { owned: 'by-key' | 'by-value' }>,
  before: readonly unknown[],
  after: readonly unknown[],
  builders: Builders,
): void {
  const [left, right] = [byElement(schema, before), byElement(schema, after)];
  const inner = itemSchema(schema);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const [olds, news] = [left.get(element) ?? [], right.get(element) ?? []];
    // Items that can not be told apart are one piece.
    if (olds.length > 1 || news.length > 1) {
      if (!equalJson(olds, news)) builders.modified.add(element);
    } else compareValue(inner, olds[0], news[0], builders, element);
  }
}
