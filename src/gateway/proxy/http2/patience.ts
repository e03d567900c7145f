const most = 1000;
const perSecond = 100;

/**
 * How much of what costs us more than the other side it may still send: resets, pings, settings, empty frames. Time and
 * work that gets done buy more (CVE-2019-9512 to 9518, CVE-2023-44487).
 */
export class Patience {
  #left = most;
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  /** False where there is none left. */
  spend(cost: number, now: number): boolean {
    this.#left = Math.min(most, this.#left + ((now - this.#since) * perSecond) / 1000) - cost;
    this.#since = now;
    return this.#left >= 0;
  }

  gain(amount: number): void {
    if (this.#left < most) this.#left += amount;
  }
}
