/** A process that holds so much more than it needed before is worth the time that giving it back takes. */
const WORTH = 32 << 20;
/** Less is standing still. */
const STILL = 1 << 20;
const EVERY = 10_000;

/** Finds the end of a flood: memory that has grown much, and grows no more. Bytes of resident memory throughout. */
export class FloodWatch {
  #floor = Infinity;
  #before = Infinity;

  /** Whether what was freed should be given back now. The first look says what the process needs. */
  look(now: number): boolean {
    const isStill = now <= this.#before + STILL;
    this.#before = now;
    this.#floor = Math.min(this.#floor, now);
    return isStill && now > this.#floor + WORTH;
  }

  /** What is held after it was given back is in use. */
  released(now: number): void {
    this.#floor = now;
    this.#before = now;
  }
}

/** Gives memory back after floods, of requests or of objects, for as long as the process lives. */
export function releaseMemoryAfterFloods(): void {
  const watch = new FloodWatch();
  setInterval(() => {
    if (!watch.look(process.memoryUsage.rss())) return;
    // Processes that never see a flood need not load what it takes.
    void import('../kernel/memory/index.ts').then(({ releaseFreedMemory }) => {
      releaseFreedMemory();
      watch.released(process.memoryUsage.rss());
    });
  }, EVERY).unref();
}
