/** Retries that any backend may have at once, and those that it gains with each request and each second. */
const most = 100;
const perRequest = 0.2;
const perSecond = 10;

/**
 * How many requests may still be sent again to a backend: a fifth of its requests and ten a second, so that retries do not
 * bury a backend that is in trouble already (GEP-3388 has the same numbers as its defaults).
 */
export class RetryBudget {
  #left = most;
  #since = 0;

  request(): void {
    this.#left = Math.min(most, this.#left + perRequest);
  }

  /** Whether one more may go; `now` in milliseconds of a clock that only goes forward. */
  take(now: number): boolean {
    if (this.#since > 0) this.#left = Math.min(most, this.#left + ((now - this.#since) * perSecond) / 1000);
    this.#since = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
