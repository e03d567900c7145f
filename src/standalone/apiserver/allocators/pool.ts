/** Numbers that are handed out once: offsets in an address range, or ports. `first`..`last` are both usable. */
export class Pool {
  readonly first: number;
  readonly last: number;
  readonly #dynamicFrom: number;
  readonly #taken = new Set<number>();
  #next: number;

  /**
   * The first `staticCount` numbers are handed out by themselves only when all others are taken: people who choose a
   * number themselves find them free (KEP-3070, KEP-3668).
   */
  constructor(first: number, last: number, staticCount: number) {
    this.first = first;
    this.last = last;
    this.#dynamicFrom = Math.min(first + staticCount, last);
    this.#next = this.#dynamicFrom;
  }

  isFree(value: number): boolean {
    return !this.#taken.has(value);
  }

  take(value: number): void {
    this.#taken.add(value);
  }

  release(value: number): void {
    this.#taken.delete(value);
  }

  clear(): void {
    this.#taken.clear();
  }

  /**
   * A free number that is not among `others`; undefined when all are taken. It is not taken by that. Numbers that
   * became free rest as long as possible: the search goes on from the last answer.
   */
  propose(others: ReadonlySet<number> = new Set()): number | undefined {
    const isUsable = (value: number) => !this.#taken.has(value) && !others.has(value);
    const found =
      firstIn(this.#next, this.last, isUsable) ??
      firstIn(this.#dynamicFrom, this.#next - 1, isUsable) ??
      firstIn(this.first, this.#dynamicFrom - 1, isUsable);
    if (found !== undefined)
      this.#next = found >= this.last ? this.#dynamicFrom : Math.max(found + 1, this.#dynamicFrom);
    return found;
  }
}

function firstIn(from: number, to: number, isUsable: (value: number) => boolean): number | undefined {
  for (let value = from; value <= to; value++) if (isUsable(value)) return value;
  return undefined;
}
