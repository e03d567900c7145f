/** JSON as it comes from a manifest or the API. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/**
 * The JSON merge patch (RFC 7386) that brings `live` to what `wanted` says: fields of `wanted` are set, fields that
 * `applied` (the manifest of the last time) had and `wanted` has not are removed, and what others wrote stays. Undefined
 * when nothing has to change. Lists are replaced as a whole, unless only defaults were added to the same list as before.
 */
export function threeWayPatch(
  applied: JsonObject,
  wanted: JsonObject,
  live: JsonObject,
): JsonObject | undefined {
  const patch: Record<string, Json> = {};
  for (const [key, value] of Object.entries(wanted)) {
    if (value === null) {
      if (live[key] !== undefined) patch[key] = null;
      continue;
    }
    const [before, present] = [applied[key], live[key]];
    if (isObject(value) && isObject(present)) {
      const inner = threeWayPatch(isObject(before) ? before : {}, value, present);
      if (inner !== undefined) patch[key] = inner;
    } else if (!isSame(value, before, present)) {
      patch[key] = value;
    }
  }
  for (const key of Object.keys(applied)) {
    if (!(key in wanted) && live[key] !== undefined) patch[key] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isSame(value: Json, before: Json | undefined, present: Json | undefined): boolean {
  if (present === undefined) return false;
  if (!Array.isArray(value)) return equal(value, present);
  return equal(value, present) || (before !== undefined && equal(value, before) && covers(present, value));
}

/** Whether `present` says everything that `value` says; it may say more inside of objects. */
function covers(present: Json | undefined, value: Json): boolean {
  if (Array.isArray(value)) {
    return (
      Array.isArray(present) &&
      present.length === value.length &&
      value.every((item: Json, index) => covers(present[index] as Json | undefined, item))
    );
  }
  if (isObject(value)) {
    return isObject(present) && Object.entries(value).every(([key, inner]) => covers(present[key], inner));
  }
  return equal(value, present);
}

function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Json, index) => equal(item, b[index] as Json | undefined));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every(key => equal(a[key], b[key]));
  }
  return a === b;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
