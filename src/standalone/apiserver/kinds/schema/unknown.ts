import { isFields } from '../../object.ts';
import type { Fields } from '../../object.ts';
import type { ObjectType, Shape } from './notation.ts';
import type { Types } from './types.ts';

/** `unknown field "spec.containers[0].imagee"` for each field that the schema lacks, in the order of the object. */
export function unknownFields(types: Types, typeName: string, object: Fields): readonly string[] {
  const found: string[] = [];
  pruneObject(types, types.get(typeName), object, '', path =>
    found.push(`unknown field ${JSON.stringify(path)}`),
  );
  return found;
}

/** A copy without the fields that the schema lacks; the same object if there are none. */
export function withoutUnknownFields<T extends Fields>(types: Types, typeName: string, object: T): T {
  // Pruning takes fields away and changes no other: what is left still has the object's type.
  return pruneObject(types, types.get(typeName), object, '', () => undefined) as T;
}

type Report = (path: string) => void;

function pruneObject(types: Types, type: ObjectType, object: Fields, path: string, report: Report): Fields {
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(object)) {
    if (type.typeMeta && (name === 'apiVersion' || name === 'kind')) continue;
    const field = type.fields.get(name);
    const at = path === '' ? name : `${path}.${name}`;
    if (field === undefined) {
      report(at);
      copy ??= { ...object };
      delete copy[name];
      continue;
    }
    const pruned = pruneValue(types, field.shape, value, at, report);
    if (pruned !== value) {
      copy ??= { ...object };
      copy[name] = pruned;
    }
  }
  return copy ?? object;
}

function pruneValue(types: Types, shape: Shape, value: unknown, path: string, report: Report): unknown {
  if (shape.is === 'object') {
    return isFields(value) ? pruneObject(types, types.get(shape.type), value, path, report) : value;
  }
  if (shape.is === 'list') {
    if (!Array.isArray(value) || !leadsToObject(shape)) return value;
    const items = value.map((item, index) => pruneValue(types, shape.of, item, `${path}[${index}]`, report));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (shape.is === 'map') {
    if (!isFields(value) || !leadsToObject(shape)) return value;
    const entries = Object.entries(value).map(
      ([key, item]) => [key, pruneValue(types, shape.of, item, `${path}.${key}`, report)] as const,
    );
    return entries.some(([key, item]) => item !== value[key]) ? Object.fromEntries(entries) : value;
  }
  return value;
}

function leadsToObject(shape: Shape): boolean {
  let at = shape;
  while (at.is === 'list' || at.is === 'map') at = at.of;
  return at.is === 'object';
}
