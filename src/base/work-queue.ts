import type { Clock } from './clock.ts';

export interface WorkQueueOptions<K> {
  readonly clock: Clock;
  /** Keys handled at the same time; one key is never handled twice at once. Default 1. */
  readonly concurrency?: number;
  /** Called when handling a key failed; it is retried with a growing delay all the same. */
  readonly onError: (key: K, error: unknown, retryInMilliseconds: number) => void;
  readonly firstRetryMilliseconds?: number;
  readonly lastRetryMilliseconds?: number;
}

/**
 * The controller's queue: a key added many times before it is handled is handled once; added while it is handled, once
 * more afterwards. Failures come back with exponential delay until they succeed or `forget` is called.
 */
export class WorkQueue<K> {
  readonly #handle: (key: K) => Promise<void>;
  readonly #options: WorkQueueOptions<K>;
  readonly #waiting = new Set<K>();
  readonly #running = new Set<K>();
  readonly #failures = new Map<K, number>();
  readonly #timers = new Map<K, { readonly due: number; readonly cancel: AbortController }>();
  #closed = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(handle: (key: K) => Promise<void>, options: WorkQueueOptions<K>) {
    this.#handle = handle;
    this.#options = options;
  }

  add(key: K): void {
    if (this.#closed) return;
    this.#cancelTimer(key);
    this.#waiting.add(key);
    this.#pump();
  }

  /** Adds after a delay. Of several delays of a key the one that ends first counts; `add` takes the place of all. */
  addAfter(key: K, milliseconds: number): void {
    if (this.#closed) return;
    const due = this.#options.clock.now() + milliseconds;
    const earlier = this.#timers.get(key);
    if (earlier !== undefined && earlier.due <= due) return;
    this.#cancelTimer(key);
    const cancel = new AbortController();
    this.#timers.set(key, { due, cancel });
    this.#options.clock.sleep(milliseconds, cancel.signal).then(
      () => this.add(key),
      () => undefined, // cancelled by a later add, or by close
    );
  }

  /** Drops the key's delays, its turn and its count of failures; where it is being handled, that goes on. */
  forget(key: K): void {
    this.#failures.delete(key);
    this.#cancelTimer(key);
    this.#waiting.delete(key);
  }

  /** Resolves when nothing waits or runs (delayed keys do not count). */
  idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#running.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** Takes no more keys and waits for those being handled. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    for (const key of this.#timers.keys()) this.#cancelTimer(key);
    await this.idle();
  }

  #pump(): void {
    const limit = this.#options.concurrency ?? 1;
    for (const key of this.#waiting) {
      if (this.#running.size >= limit) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: K): Promise<void> {
    try {
      await this.#handle(key);
      this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const delay = this.#retryDelay(failures);
      this.#options.onError(key, error, delay);
      if (!this.#waiting.has(key)) this.addAfter(key, delay);
    } finally {
      this.#running.delete(key);
      this.#pump();
      if (this.#waiting.size === 0 && this.#running.size === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  #retryDelay(failures: number): number {
    const first = this.#options.firstRetryMilliseconds ?? 50;
    const last = this.#options.lastRetryMilliseconds ?? 30_000;
    return Math.min(last, first * 2 ** Math.min(failures - 1, 20));
  }

  #cancelTimer(key: K): void {
    this.#timers.get(key)?.cancel.abort(new Error('rescheduled'));
    this.#timers.delete(key);
  }
}
