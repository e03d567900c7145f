/** Bodies from this size on wait for one of a few places: reading, parsing and checking one takes ten times its bytes. */
export const LARGE = 256 * 1024;

const PLACES = 4;

/** The places for large bodies, first come, first served. A place is given back by calling what `take` resolves with. */
export class LargeBodies {
  #free = PLACES;
  readonly #waiting: (() => void)[] = [];

  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
