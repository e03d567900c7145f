import { isFields } from '../../object.ts';
import type { Fields } from '../../object.ts';
import { canonicalQuantity } from '../text/quantity.ts';
import { canonicalMicroTime, canonicalTime } from '../text/time.ts';
import type { Field, ObjectType, Shape } from './notation.ts';
import type { Types } from './types.ts';

/**
 * The object as it comes back from a server that keeps it in typed form: without nulls, without optional fields that
 * hold their zero value (unless the zero says something), with the structs and required values that it writes though
 * they are empty, quantities and times in canonical form.
 * The same object if nothing changes; the caller has checked the types.
 */
export function normalise<T extends Fields>(types: Types, typeName: string, object: T): T {
  // Only optional or null fields go, and scalars keep their JSON type: the object's type still holds.
  return normaliseObject(types, types.get(typeName), object) as T;
}

function normaliseObject(types: Types, type: ObjectType, object: Fields): Fields {
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(object)) {
    const field = type.fields.get(name);
    if (field === undefined) continue;
    const next =
      value === null || value === undefined ? undefined : normaliseValue(types, field.shape, value);
    if (next === undefined || isOmitted(field, next)) {
      copy ??= { ...object };
      delete copy[name];
    } else if (next !== value) {
      copy ??= { ...object };
      copy[name] = next;
    }
  }
  for (const field of type.zeros) {
    if (Object.hasOwn(copy ?? object, field.name)) continue;
    copy ??= { ...object };
    copy[field.name] =
      field.shape.is === 'object'
        ? normaliseObject(types, types.get(field.shape.type), {})
        : (field.default ?? (field.shape.is === 'string' ? '' : 0));
  }
  return copy ?? object;
}

function normaliseValue(types: Types, shape: Shape, value: unknown): unknown {
  switch (shape.is) {
    case 'object':
      if (value === null) return normaliseObject(types, types.get(shape.type), {});
      return isFields(value) ? normaliseObject(types, types.get(shape.type), value) : value;
    case 'list': {
      if (!Array.isArray(value)) return value;
      const items = value.map(item => normaliseValue(types, shape.of, item));
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    case 'map': {
      if (!isFields(value)) return value;
      const entries = Object.entries(value).map(
        ([key, item]) => [key, normaliseValue(types, shape.of, item)] as const,
      );
      return entries.some(([key, item]) => item !== value[key]) ? Object.fromEntries(entries) : value;
    }
    case 'quantity':
      return canonicalQuantity(value) ?? value;
    case 'time':
      return typeof value === 'string' ? (canonicalTime(value) ?? value) : value;
    case 'microTime':
      return typeof value === 'string' ? (canonicalMicroTime(value) ?? value) : value;
    case 'string':
      return value ?? '';
    case 'bool':
    case 'int32':
    case 'int64':
    case 'integer':
    case 'double':
    case 'bytes':
    case 'intOrString':
    case 'raw':
    case 'fieldsV1':
      return value;
    default:
      return shape satisfies never;
  }
}

/** What Go's `omitempty` leaves out. */
export function isOmitted(field: Field, value: unknown): boolean {
  if (field.required || field.always || field.presence) return false;
  if (Array.isArray(value)) return value.length === 0;
  if (field.shape.is === 'map') return isFields(value) && Object.keys(value).length === 0;
  return (value === '' || value === 0 || value === false) && field.shape.is !== 'intOrString';
}
