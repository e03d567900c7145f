import type { Fields } from '../object.ts';
import { isFields } from '../object.ts';
import { OBJECT_FIELDS, childOf } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** More fields than this are not named one by one: an object of 3 MiB has a hundred thousand. */
const MOST_NAMED = 200;

/** Paths of the fields that a schema does not know, as `spec.rules[0].foo`. */
export function unknownIn(schema: StructuralSchema, object: Fields): readonly string[] {
  const found: string[] = [];
  visitObject(schema, object, '', true, found);
  return found;
}

function visitObject(
  schema: StructuralSchema,
  object: Fields,
  path: string,
  isWhole: boolean,
  found: string[],
): void {
  if (found.length >= MOST_NAMED) return;
  for (const [name, value] of Object.entries(object)) {
    if (isWhole && OBJECT_FIELDS.includes(name)) continue;
    const at = path === '' ? name : `${path}.${name}`;
    const child = childOf(schema, name);
    if (child === true) continue;
    if (child === undefined) {
      if (!schema.preservesUnknown) found.push(at);
    } else visit(child, value, at, found);
  }
}

function visit(schema: StructuralSchema, value: unknown, path: string, found: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) value.forEach((item, index) => visit(items, item, `${path}[${index}]`, found));
  } else if (isFields(value)) visitObject(schema, value, path, schema.embedded, found);
}

/** The object without the fields that its schema does not know (the same object if there are none). */
export function pruned<T extends Fields>(schema: StructuralSchema, object: T, isWhole = true): T {
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(object)) {
    if (isWhole && OBJECT_FIELDS.includes(name)) continue;
    const child = childOf(schema, name);
    if (child === true) continue;
    if (child === undefined) {
      if (schema.preservesUnknown) continue;
      copy ??= { ...object };
      delete copy[name];
      continue;
    }
    const kept = prunedValue(child, value);
    if (kept === value) continue;
    copy ??= { ...object };
    copy[name] = kept;
  }
  // Only fields beneath the object's own head were taken away.
  return (copy ?? object) as T;
}

function prunedValue(schema: StructuralSchema, value: unknown): unknown {
  if (isFields(value)) return pruned(schema, value, schema.embedded);
  const { items } = schema;
  if (!Array.isArray(value) || items === undefined) return value;
  const kept = value.map(item => prunedValue(items, item));
  return kept.some((item, index) => item !== value[index]) ? kept : value;
}
