import { isFields } from '../object.ts';

/**
 * Items that `order` names come in that order (that of `$setElementOrder`, or of the patch itself). The others keep
 * theirs; one of them comes before a named item only if it stood before it.
 */
export function inElementOrder(
  merged: readonly unknown[],
  order: readonly unknown[],
  before: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] {
  const keyOf = (item: unknown): string =>
    JSON.stringify((isFields(item) && mergeKey !== undefined ? item[mergeKey] : item) ?? null);
  const wished = positions(order.map(keyOf));
  const former = positions(before.map(keyOf));
  const named = merged
    .filter(item => wished.has(keyOf(item)))
    .sort((a, b) => (wished.get(keyOf(a)) ?? 0) - (wished.get(keyOf(b)) ?? 0));
  const others = merged.filter(item => !wished.has(keyOf(item)));
  const result: unknown[] = [];
  let other = 0;
  for (const item of named) {
    const stoodAt = former.get(keyOf(item)) ?? -1;
    for (; other < others.length && isBefore(former.get(keyOf(others[other])), stoodAt); other++) {
      result.push(others[other]);
    }
    result.push(item);
  }
  return [...result, ...others.slice(other)];
}

const isBefore = (position: number | undefined, other: number): boolean =>
  position !== undefined && position < other;

const positions = (keys: readonly string[]): ReadonlyMap<string, number> =>
  new Map(keys.map((key, index) => [key, index]));
