/** What turns `actual` into `desired`; each list is in the desired (or actual) map's order. */
export interface Delta<K, V> {
  readonly add: readonly (readonly [K, V])[];
  readonly change: readonly (readonly [K, V])[];
  readonly remove: readonly K[];
}

/** The smallest change by key: the one comparison that addresses, routes, sets and maps share. */
export function diff<K, V>(
  actual: ReadonlyMap<K, V>,
  desired: ReadonlyMap<K, V>,
  same: (a: V, b: V) => boolean,
): Delta<K, V> {
  const add: [K, V][] = [];
  const change: [K, V][] = [];
  const remove: K[] = [];
  for (const [key, value] of desired) {
    const present = actual.get(key);
    if (present === undefined && !actual.has(key)) add.push([key, value]);
    else if (!same(present as V, value)) change.push([key, value]);
  }
  for (const key of actual.keys()) if (!desired.has(key)) remove.push(key);
  return { add, change, remove };
}

export function isEmpty(delta: Delta<unknown, unknown>): boolean {
  return delta.add.length === 0 && delta.change.length === 0 && delta.remove.length === 0;
}
