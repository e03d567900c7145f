import type { MergeSchema } from '../kind.ts';
import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';
import { inElementOrder } from './element-order.ts';
import { KeyedList } from './keyed-list.ts';
import { StrategicPatchError } from './strategic-patch-error.ts';

export { StrategicPatchError } from './strategic-patch-error.ts';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const ELEMENT_ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/**
 * Strategic merge patch: as JSON merge patch, but lists whose schema says so are merged by key, and directives delete,
 * replace or reorder. https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 * Where the schema is unknown, lists are replaced. Throws StrategicPatchError.
 */
export function strategicMerge(original: Fields, patch: Fields, schema: MergeSchema | undefined): Fields {
  const directive = directiveOf(patch);
  if (directive === 'replace') return mergeFields({}, patch, schema);
  if (directive === 'delete') return {};
  return mergeFields(original, patch, schema);
}

function directiveOf(patch: Fields): 'replace' | 'delete' | 'merge' {
  const directive = patch[PATCH] ?? 'merge';
  if (directive === 'replace' || directive === 'delete' || directive === 'merge') return directive;
  throw new StrategicPatchError(`unknown patch type: ${JSON.stringify(directive)}`);
}

function mergeFields(original: Fields, patch: Fields, schema: MergeSchema | undefined): Fields {
  const merged = retained(original, patch);
  for (const [field, list] of directives(patch, DELETE_PRIMITIVES)) {
    const present = merged[field];
    const gone = new Set(list.map(item => JSON.stringify(item)));
    if (Array.isArray(present)) merged[field] = present.filter(item => !gone.has(JSON.stringify(item)));
  }
  for (const [field, value] of Object.entries(patch)) {
    if (field === PATCH || field === RETAIN_KEYS) continue;
    if (field.startsWith(ELEMENT_ORDER) || field.startsWith(DELETE_PRIMITIVES)) continue;
    if (value === null) delete merged[field];
    else merged[field] = mergeValue(merged[field], value, schema?.field(field));
  }
  for (const [field, order] of directives(patch, ELEMENT_ORDER)) {
    const list = merged[field];
    if (!Array.isArray(list)) continue;
    const mergeKey = schema?.field(field)?.mergeKey;
    assertOrdered(patch[field], order, field, mergeKey);
    const before = original[field];
    merged[field] = inElementOrder(list, order, Array.isArray(before) ? before : [], mergeKey);
  }
  return merged;
}

function mergeValue(present: unknown, value: unknown, schema: MergeSchema | undefined): unknown {
  const replaces = schema?.strategies.includes('replace') === true;
  if (isFields(value)) {
    const base = isFields(present) && !replaces ? present : {};
    return strategicMerge(base, value, schema);
  }
  if (!Array.isArray(value)) return value;
  if (schema?.strategies.includes('merge') !== true) return value;
  return mergeList(Array.isArray(present) ? present : [], value, schema);
}

function mergeList(
  present: readonly unknown[],
  patch: readonly unknown[],
  schema: MergeSchema,
): readonly unknown[] {
  if (!patch.some(isFields) && !present.some(isFields)) {
    return inElementOrder(union(present, patch), patch, present, undefined);
  }
  const { mergeKey } = schema;
  if (mergeKey === undefined) return patch;
  const items = patch.map(item => {
    if (isFields(item)) return item;
    throw new StrategicPatchError('a list of objects cannot be merged with an item that is no object');
  });
  const replaces = items.some(item => item[PATCH] === 'replace');
  const merged = new KeyedList(replaces ? [] : present, mergeKey);
  for (const item of items) {
    if (item[PATCH] === 'replace' && item[mergeKey] === undefined) continue; // only marks the list
    if (directiveOf(item) === 'delete') merged.remove(item);
    else merged.set(item, strategicMerge(merged.get(item) ?? {}, item, schema.items()));
  }
  // Unless the patch says more of it, its own order is what is wanted.
  return inElementOrder(
    merged.items(),
    items.filter(item => item[PATCH] === undefined),
    present,
    mergeKey,
  );
}

function union(present: readonly unknown[], added: readonly unknown[]): readonly unknown[] {
  const known = new Set(present);
  return [...present, ...new Set(added.filter(item => !known.has(item)))];
}

/** `$retainKeys` drops what it does not name; a patch may not set what it drops. */
function retained(original: Fields, patch: Fields): Record<string, unknown> {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return { ...original };
  if (!Array.isArray(keys)) throw new StrategicPatchError(`${RETAIN_KEYS} has to be a list`);
  const stray = Object.entries(patch).find(
    ([field, value]) => !field.startsWith('$') && value !== null && !keys.includes(field),
  );
  if (stray !== undefined) {
    throw new StrategicPatchError(
      `the field ${JSON.stringify(stray[0])} of the patch is not in its ${RETAIN_KEYS} list`,
    );
  }
  return Object.fromEntries(Object.entries(original).filter(([field]) => keys.includes(field)));
}

function directives(patch: Fields, prefix: string): readonly (readonly [string, readonly unknown[]])[] {
  return Object.entries(patch)
    .filter(([field]) => field.startsWith(prefix))
    .map(([field, list]) => {
      if (!Array.isArray(list)) throw new StrategicPatchError(`${field} has to be a list`);
      return [field.slice(prefix.length), list] as const;
    });
}

/** What a patch lists has to be in its own order, deletions apart. */
function assertOrdered(
  list: unknown,
  order: readonly unknown[],
  field: string,
  mergeKey: string | undefined,
): void {
  if (!Array.isArray(list)) return;
  const keyOf = (item: unknown) => (isFields(item) && mergeKey !== undefined ? item[mergeKey] : item);
  const ordered = new Set(order.map(item => JSON.stringify(keyOf(item))));
  const missing = list.find(
    item => !(isFields(item) && item[PATCH] !== undefined) && !ordered.has(JSON.stringify(keyOf(item))),
  );
  if (missing === undefined) return;
  throw new StrategicPatchError(
    `${JSON.stringify(keyOf(missing))} of the patch's ${field} is not in its ${ELEMENT_ORDER}${field} list`,
  );
}
