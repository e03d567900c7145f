import type { Clock } from '../../src/base/clock.ts';

/** The system's clock, that a test can move ahead: sleepers whose time has come wake at once. */
export class ShiftedClock implements Clock {
  #shift = 0;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  now(): number {
    return Date.now() + this.#shift;
  }

  advance(milliseconds: number): void {
    this.#shift += milliseconds;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until <= this.now()) sleeper.wake();
    }
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const end = () => {
        clearTimeout(timer);
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', abort);
      };
      const wake = () => {
        end();
        resolve();
      };
      const abort = () => {
        end();
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(wake, milliseconds);
      const sleeper = { until: this.now() + milliseconds, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
