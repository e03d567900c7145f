import type { Entry } from './entry.ts';

/** The objects of one kind, in the order of their keys. */
export class Collection {
  readonly #entries = new Map<string, Entry>();
  #sorted: readonly string[] | undefined = [];

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  set(entry: Entry): void {
    if (!this.#entries.has(entry.key)) this.#sorted = undefined;
    this.#entries.set(entry.key, entry);
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#sorted = undefined;
  }

  /** Entries whose key begins with `prefix` and is greater than `after`; both '' for all. */
  list(prefix: string, after: string): readonly Entry[] {
    const keys = this.#keys();
    const found: Entry[] = [];
    for (let at = firstAtLeast(keys, prefix > after ? prefix : after); at < keys.length; at++) {
      const key = keys[at] ?? '';
      if (!key.startsWith(prefix)) {
        if (key > prefix) break;
        continue;
      }
      const entry = key === after ? undefined : this.#entries.get(key);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  #keys(): readonly string[] {
    this.#sorted ??= [...this.#entries.keys()].sort();
    return this.#sorted;
  }
}

/** Index of the first key that is not smaller than `wanted`. */
function firstAtLeast(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
