interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of an item. */
export type Outcome<R> = { readonly result: R } | { readonly error: unknown };

/** Does together what is asked for while earlier work is under way, at most `limit` items at a time, in their order. */
export class Batch<T, R> {
  readonly #work: (items: readonly T[]) => Promise<readonly Outcome<R>[]>;
  readonly #limit: number;
  readonly #waiting: Waiting<T, R>[] = [];
  #isRunning = false;

  /** `work` answers with an outcome for each item, in their order; what it throws is the error of all. */
  constructor(work: (items: readonly T[]) => Promise<readonly Outcome<R>[]>, limit: number) {
    this.#work = work;
    this.#limit = limit;
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#limit);
      try {
        const outcomes = await this.#work(batch.map(waiting => waiting.item));
        for (const [index, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[index] ?? {
            error: new RangeError('a batch has fewer outcomes than items'),
          };
          if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.result);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
