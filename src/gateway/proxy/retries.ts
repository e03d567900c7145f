import type { TableRetry } from '../table.ts';
import type { UpstreamFailure } from './sides.ts';

/** Tries after the first one where the route does not say how many. */
const attemptsByDefault = 2;
const backoffByDefault = 25;
const longestBackoff = 10_000;
/** A timer holds no more: 24 days. */
const longestPause = 2 ** 31 - 1;

/** What a rule says of trying again (HTTPRouteRetry), with what the proxy does by itself beside it. */
export class Retries {
  readonly #codes: ReadonlySet<number>;
  readonly #attempts: number;
  readonly #backoff: number;

  constructor({ codes, attempts = attemptsByDefault, backoff = backoffByDefault }: TableRetry) {
    this.#codes = new Set(codes);
    this.#attempts = attempts;
    this.#backoff = backoff;
  }

  /** Whether there may be one more, after `done` of them. */
  isLeft(done: number): boolean {
    return done < this.#attempts;
  }

  isForStatus(status: number): boolean {
    return this.#codes.has(status);
  }

  /** A connection that was not made, or that ended without an answer; an answer that is none will be none again. */
  isForFailure({ why }: UpstreamFailure): boolean {
    return why !== 'upstream-invalid';
  }

  /**
   * Milliseconds before the next one: twice as long each time, and up to half as long again, so that requests that failed
   * together do not come again together. `random` from 0 up to 1.
   */
  pause(done: number, random: number): number {
    const least = Math.min(this.#backoff * 2 ** done, Math.max(longestBackoff, this.#backoff));
    return Math.min(least * (1 + random / 2), longestPause);
  }
}
