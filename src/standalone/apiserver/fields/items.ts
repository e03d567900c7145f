import { isFields } from '../object.ts';
import type { OwnershipSchema } from './ownership-schema.ts';

type KeyedSchema = Extract<OwnershipSchema, { owned: 'by-key' | 'by-value' }>;

/** True for lists whose items are owned one by one. */
export const isKeyed = (schema: OwnershipSchema): schema is KeyedSchema =>
  schema.owned === 'by-key' || schema.owned === 'by-value';

/**
 * The path element of a list item: `k:{"containerPort":80,"protocol":"TCP"}` or `v:"text"`. Undefined for an item that
 * lacks a key which has no default: it can not be told from others.
 */
export function elementOf(schema: KeyedSchema, item: unknown): string | undefined {
  if (schema.owned === 'by-value') return `v:${canonical(item)}`;
  if (!isFields(item)) return undefined;
  const keys: Record<string, unknown> = {};
  for (const key of schema.keys.toSorted((a, b) => (a < b ? -1 : 1))) {
    const value = (Object.hasOwn(item, key) ? item[key] : undefined) ?? schema.defaultOf(key);
    if (value === undefined) return undefined;
    keys[key] = value;
  }
  return `k:${canonical(keys)}`;
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? 'null';
  const entries = Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1));
  return `{${entries.map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

/** The items by their elements, in order; an element that comes twice has both. Items without one are left out. */
export function byElement(
  schema: KeyedSchema,
  list: readonly unknown[],
): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of list) {
    const element = elementOf(schema, item);
    if (element === undefined) continue;
    const present = found.get(element);
    if (present === undefined) found.set(element, [item]);
    else present.push(item);
  }
  return found;
}

export const itemSchema = (schema: KeyedSchema): OwnershipSchema =>
  schema.owned === 'by-key' ? schema.items() : { owned: 'whole' };
