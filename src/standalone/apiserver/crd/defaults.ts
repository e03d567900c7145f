import type { Fields } from '../object.ts';
import { isFields } from '../object.ts';
import { childOf } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** The object with defaults where fields are absent, or null though they may not be (the same object if none were). */
export function defaulted<T extends Fields>(schema: StructuralSchema, object: T): T {
  let copy: Record<string, unknown> | undefined;
  const put = (name: string, value: unknown) => {
    copy ??= { ...object };
    if (value === undefined) delete copy[name];
    else copy[name] = value;
  };
  for (const [name, value] of Object.entries(object)) {
    const child = childOf(schema, name);
    if (child === undefined || child === true) continue;
    if (value === null && !child.nullable) {
      put(name, child.default === undefined ? undefined : filled(child, structuredClone(child.default)));
      continue;
    }
    const next = filled(child, value);
    if (next !== value) put(name, next);
  }
  for (const [name, child] of schema.properties) {
    if (child.default === undefined || Object.hasOwn(object, name)) continue;
    put(name, filled(child, structuredClone(child.default)));
  }
  // Fields are added where the schema has them: the object keeps what it is.
  return (copy ?? object) as T;
}

function filled(schema: StructuralSchema, value: unknown): unknown {
  if (isFields(value)) return defaulted(schema, value);
  const { items } = schema;
  if (!Array.isArray(value) || items === undefined) return value;
  const next = value.map(item => filled(items, item));
  return next.some((item, index) => item !== value[index]) ? next : value;
}
