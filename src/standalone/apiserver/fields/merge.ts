import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';
import type { FieldSet } from './field-set.ts';
import { isEmpty } from './field-set.ts';
import { elementOf, isKeyed, itemSchema } from './items.ts';
import { fieldOf } from './ownership-schema.ts';
import type { OwnershipSchema } from './ownership-schema.ts';

/** What is there with what is applied laid over it: parts that are owned one by one merge, all else is replaced. */
export function mergeApplied(schema: OwnershipSchema, live: Fields, applied: Fields): Fields {
  const merged: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(applied)) {
    if (value === undefined) continue;
    const before = Object.hasOwn(live, name) ? live[name] : undefined;
    Object.defineProperty(merged, name, {
      value: mergeValue(fieldOf(schema, name).schema, before, value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}

function mergeValue(schema: OwnershipSchema, live: unknown, applied: unknown): unknown {
  if (schema.owned === 'whole') return applied;
  if (Array.isArray(live) && Array.isArray(applied) && isKeyed(schema))
    return mergeItems(schema, live, applied);
  if (isFields(live) && isFields(applied) && !isKeyed(schema)) return mergeApplied(schema, live, applied);
  return applied;
}

/** The applied order rules where both have an item; what only the other has keeps its neighbours. */
function mergeItems(
  schema: Extract<OwnershipSchema, { owned: 'by-key' | 'by-value' }>,
  live: readonly unknown[],
  applied: readonly unknown[],
): readonly unknown[] {
  const elements = applied.map(item => elementOf(schema, item));
  // The first of several: a list may have a hundred thousand items, and is not searched for each.
  const places = new Map(elements.map((element, at) => [element, at] as const).toReversed());
  const lived = new Map(live.map(item => [elementOf(schema, item), item]));
  const result: unknown[] = [];
  let next = 0;
  const upTo = (end: number) => {
    for (; next < end; next++) {
      const before = lived.get(elements[next]);
      result.push(
        before === undefined ? applied[next] : mergeValue(itemSchema(schema), before, applied[next]),
      );
    }
  };
  for (const item of live) {
    const element = elementOf(schema, item);
    const at = element === undefined ? -1 : (places.get(element) ?? -1);
    if (at < 0) result.push(item);
    else if (at >= next) upTo(at + 1);
  }
  upTo(applied.length);
  return result;
}

/** The object without the places of `gone`; what is empty because of that goes as well. */
export function withoutPlaces(schema: OwnershipSchema, object: Fields, gone: FieldSet): Fields {
  if (isEmpty(gone)) return object;
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    const node = gone[`f:${name}`];
    if (node?.member === true) continue;
    const left = node === undefined ? value : valueWithout(fieldOf(schema, name).schema, value, node.inside);
    if (left === undefined) continue;
    Object.defineProperty(kept, name, { value: left, enumerable: true, configurable: true, writable: true });
  }
  return kept;
}

function valueWithout(schema: OwnershipSchema, value: unknown, gone: FieldSet): unknown {
  if (isEmpty(gone) || schema.owned === 'whole') return value;
  if (Array.isArray(value) && isKeyed(schema)) {
    const items = value.flatMap(item => {
      const node = gone[elementOf(schema, item) ?? ''];
      if (node?.member === true) return [];
      return [node === undefined ? item : (valueWithout(itemSchema(schema), item, node.inside) ?? {})];
    });
    return items.length === 0 ? undefined : items;
  }
  if (!isFields(value) || isKeyed(schema)) return value;
  const left = withoutPlaces(schema, value, gone);
  return Object.keys(left).length === 0 ? undefined : left;
}
