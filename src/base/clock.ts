/** Time as an argument: production passes `systemClock`, tests their own. */
export interface Clock {
  /** Milliseconds since the epoch; may jump in either direction when the system's clock is set. */
  now(): number;
  /** Resolves after `milliseconds`, however many, or rejects with the signal's reason. Clock jumps do not touch it. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Timers take 32 bits: a longer one would fire at once (a toleration of years is normal input). */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      let left = milliseconds;
      const next = (): NodeJS.Timeout => {
        const step = Math.min(left, LONGEST_TIMER);
        left -= step;
        return setTimeout(() => {
          if (left > 0) {
            timer = next();
            return;
          }
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, step);
      };
      let timer = next();
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
