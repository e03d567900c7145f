import type { Clock } from '../base/clock.ts';

/**
 * Ends a stream that has gone quiet: its signal is aborted when nothing was heard for the given time, or when the
 * parent is. A connection whose other end vanished looks just like a quiet one, so quiet must have a limit.
 */
export class SilenceGuard implements Disposable {
  readonly #controller = new AbortController();
  readonly #stopped = new AbortController();
  readonly #clock: Clock;
  readonly #parent: AbortSignal;
  readonly #onParentAbort = () => this.#controller.abort(this.#parent.reason);
  #patience: number;
  #heardAt: number;
  #fired = false;

  constructor(clock: Clock, parent: AbortSignal, patienceMilliseconds: number) {
    this.#clock = clock;
    this.#parent = parent;
    this.#patience = patienceMilliseconds;
    this.#heardAt = clock.now();
    if (parent.aborted) this.#onParentAbort();
    else parent.addEventListener('abort', this.#onParentAbort, { once: true });
    void this.#keepWatch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Was it silence that ended the stream? */
  get fired(): boolean {
    return this.#fired;
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  /** A new limit; a shorter one counts after the old one has passed at the latest. */
  allow(patienceMilliseconds: number): void {
    this.#patience = patienceMilliseconds;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
    this.#parent.removeEventListener('abort', this.#onParentAbort);
  }

  async #keepWatch(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const now = this.#clock.now();
      if (now < this.#heardAt) this.#heardAt = now; // the clock was set back
      const left = this.#heardAt + this.#patience - now;
      if (left <= 0) {
        this.#fired = true;
        this.#controller.abort(new Error('nothing was heard'));
        return;
      }
      try {
        await this.#clock.sleep(left, this.#stopped.signal);
      } catch {
        return; // disposed
      }
    }
  }
}
