/** Growing pauses between tries: doubled with every failure in a row, for each thing that is tried. */
export class Pauses {
  readonly #failures = new Map<string, number>();

  /** Milliseconds to wait after one more failure of `what`. */
  next(what: string, range: PauseRange): number {
    const failures = this.#failures.get(what) ?? 0;
    this.#failures.set(what, failures + 1);
    return Math.min(range.last, range.first * 2 ** Math.min(failures, 10));
  }

  succeeded(what: string): void {
    this.#failures.delete(what);
  }
}

/** Milliseconds. */
export interface PauseRange {
  readonly first: number;
  readonly last: number;
}
