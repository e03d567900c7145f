import type { Change } from './entry.ts';

export interface WindowLimits {
  readonly changes: number;
  /** Sum of the JSON texts of the changes, in characters. */
  readonly characters: number;
}

/** The last changes, oldest first: what a watch resumes from and what older lists are rebuilt from. */
export class EventWindow {
  readonly #limits: WindowLimits;
  #changes: Change[] = [];
  /** Dropped changes at the front of `#changes`, removed in bulk. */
  #start = 0;
  #characters = 0;
  /** The newest revision of which something is no longer here. */
  #floor: number;

  constructor(revision: number, limits: WindowLimits) {
    this.#floor = revision;
    this.#limits = limits;
  }

  push(change: Change): void {
    this.#changes.push(change);
    this.#characters += change.after.text.length;
    while (
      this.#changes.length - this.#start > this.#limits.changes ||
      this.#characters > this.#limits.characters
    ) {
      this.#dropOldest();
    }
    if (this.#start > 1024 && this.#start > this.#changes.length / 2) {
      this.#changes = this.#changes.slice(this.#start);
      this.#start = 0;
    }
  }

  /** The changes after `revision`; undefined if some of them are gone. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#floor) return undefined;
    let low = this.#start;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle]?.after.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  #dropOldest(): void {
    const dropped = this.#changes[this.#start];
    if (dropped === undefined) return;
    this.#start++;
    this.#characters -= dropped.after.text.length;
    this.#floor = dropped.after.revision;
  }
}
