import type { Clock } from '../base/clock.ts';

/** A clock that stands still until the test moves it; sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #passed = 0;
  #epoch = 1_000_000;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#epoch + this.#passed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter(one => one !== sleeper);
        reject(signal?.reason as Error);
      };
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper = { at: this.#passed + milliseconds, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  advance(milliseconds: number): void {
    this.#passed += milliseconds;
    const due = this.#sleepers.filter(one => one.at <= this.#passed).toSorted((a, b) => a.at - b.at);
    this.#sleepers = this.#sleepers.filter(one => one.at > this.#passed);
    for (const one of due) one.wake();
  }

  /** What an administrator or a time server does: sleepers do not notice. */
  setBack(milliseconds: number): void {
    this.#epoch -= milliseconds;
  }
}
