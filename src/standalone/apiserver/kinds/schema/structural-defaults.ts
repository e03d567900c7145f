import { isFields } from '../../object.ts';
import type { Fields } from '../../object.ts';
import type { ObjectType, Shape } from './notation.ts';
import type { Types } from './types.ts';

/**
 * Defaults of a structural schema: each absent field gets its default, in what is there and in what was added. Nulls go:
 * no field of ours is nullable. The same object if nothing was missing.
 */
export function withStructuralDefaults<T extends Fields>(types: Types, typeName: string, object: T): T {
  // Fields are added where the schema has them: the object's type still holds.
  return fillObject(types, types.get(typeName), object, true) as T;
}

function fillObject(types: Types, type: ObjectType, object: Fields, isRoot: boolean): Fields {
  let copy: Record<string, unknown> | undefined;
  for (const field of type.fields.values()) {
    const present = object[field.name];
    // The status is the controller's: the server gives a new object its own.
    const missing = present === undefined || present === null;
    if (missing && (field.default === undefined || (isRoot && field.name === 'status'))) {
      if (present === null) {
        copy ??= { ...object };
        delete copy[field.name];
      }
      continue;
    }
    const value = fillValue(types, field.shape, missing ? structuredClone(field.default) : present);
    if (value !== present) {
      copy ??= { ...object };
      copy[field.name] = value;
    }
  }
  return copy ?? object;
}

function fillValue(types: Types, shape: Shape, value: unknown): unknown {
  if (shape.is === 'object') {
    return isFields(value) ? fillObject(types, types.get(shape.type), value, false) : value;
  }
  if (shape.is !== 'list' || !Array.isArray(value)) return value;
  const items = value.map(item => fillValue(types, shape.of, item));
  return items.some((item, index) => item !== value[index]) ? items : value;
}
