import type { Clock } from '../base/clock.ts';

/** The rest of the process runs at least this often while a large state is read or compared. */
const SLICE_MILLISECONDS = 3;

/** Cuts long work into slices: `await breathe()` between its steps lets others run when a slice is over. */
export class TimeSlice {
  readonly #clock: Clock;
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** Undefined while the slice lasts, so that a step without a pause costs no turn of the event loop. */
  breathe(): Promise<void> | undefined {
    const spent = this.#clock.now() - this.#began;
    if (spent >= 0 && spent < SLICE_MILLISECONDS) return undefined;
    return new Promise(resolve =>
      setImmediate(() => {
        this.#began = this.#clock.now();
        resolve();
      }),
    );
  }
}
