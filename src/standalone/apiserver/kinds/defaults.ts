import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';

/** `object` with `values` where it has nothing; the same object if nothing was missing. */
export function fill(object: Fields, values: Fields): Fields {
  const isMissing = (name: string) => !Object.hasOwn(object, name) || (object[name] ?? null) === null;
  const missing = Object.entries(values).filter(([name, value]) => value !== undefined && isMissing(name));
  return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
}

/** Applies `change` to the object in the field `name`, if there is one. */
export function within(object: Fields, name: string, change: (inner: Fields) => Fields): Fields {
  const inner = object[name];
  if (!isFields(inner)) return object;
  const changed = change(inner);
  return changed === inner ? object : { ...object, [name]: changed };
}

/** Applies `change` to each object in the list `name`. */
export function withinEach(object: Fields, name: string, change: (item: Fields) => Fields): Fields {
  const list = object[name];
  if (!Array.isArray(list)) return object;
  const items = list.map((item: unknown) => (isFields(item) ? change(item) : item));
  return items.some((item, index) => item !== list[index]) ? { ...object, [name]: items } : object;
}

/** Applies changes one after the other. */
export const inTurn =
  (...changes: readonly ((object: Fields) => Fields)[]) =>
  (object: Fields): Fields =>
    changes.reduce((at, change) => change(at), object);
