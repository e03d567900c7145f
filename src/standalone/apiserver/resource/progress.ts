import type { Store } from '../store/store.ts';

/** Wait after a write, so that what follows at once is in the same bookmark, */
const SOON = 50;
/** and never more bookmarks than one in this time. */
const APART = 1000;
/** Listeners that are told in one turn of the loop: each writes to its client's socket, some 25 µs. */
const AT_ONCE = 100;

/**
 * Tells watches how far the store is, shortly after it moved on: a client learns that it has seen everything up to a
 * revision although nothing of its kind has changed. One timer serves all watches.
 */
export class Progress {
  readonly #store: Store;
  readonly #listeners = new Set<(revision: number) => void>();
  #timer: NodeJS.Timeout | undefined;
  #last = -APART;

  constructor(store: Store) {
    this.#store = store;
    store.onPublished(() => this.#schedule());
  }

  subscribe(listener: (revision: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#listeners.size === 0) return;
    const wait = Math.max(SOON, this.#last + APART - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#last = performance.now();
      this.#tell([...this.#listeners]);
    }, wait);
  }

  /** A part of the listeners at a time: thousands of them must not keep requests waiting. */
  #tell(listeners: readonly ((revision: number) => void)[]): void {
    for (const listener of listeners.slice(0, AT_ONCE)) {
      if (this.#listeners.has(listener)) listener(this.#store.revision);
    }
    if (listeners.length > AT_ONCE) setImmediate(() => this.#tell(listeners.slice(AT_ONCE)));
  }
}
