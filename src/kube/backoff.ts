/** Waiting times that grow with each failure in a row, spread so that many clients do not come back together. */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  readonly #random: () => number;
  #failures = 0;

  /** Milliseconds; `random` gives numbers in [0, 1). */
  constructor(options: { readonly first: number; readonly last: number; readonly random: () => number }) {
    this.#first = options.first;
    this.#last = options.last;
    this.#random = options.random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The next wait: between half of the full time and the full time. */
  next(): number {
    const full = Math.min(this.#last, this.#first * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    return full * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
