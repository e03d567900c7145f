/**
 * An end that comes by time, or because somebody says so. Cheaper than an AbortSignal, of which there would be several a
 * question: nothing is left of it when it has been closed.
 */
export class Deadline {
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  /** Without a time it ends when it is told to. */
  constructor(milliseconds?: number) {
    this.#timer = milliseconds === undefined ? undefined : setTimeout(() => this.end(), milliseconds);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Returns how to hear no more of it. */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** What waited for it has what it wanted. */
  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }
}
