import { FairleadError } from '../base/errors.ts';

/** The right to one connection; given back once. */
export type Slot = () => void;

/** A bound on how many requests are under way; those beyond wait for their turn, in order. */
export class ConnectionSlots {
  readonly #waiting = new Set<{
    readonly take: (slot: Slot) => void;
    readonly refuse: (reason: unknown) => void;
  }>();
  #free: number;
  #closed = false;

  constructor(count: number) {
    this.#free = count;
  }

  /** Rejects with the signal's reason, or `kube/closed`. */
  take(signal: AbortSignal | undefined): Promise<Slot> {
    if (this.#closed) return Promise.reject(closed());
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(this.#slot());
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(one);
        signal?.removeEventListener('abort', onAbort);
      };
      const one = {
        take: (slot: Slot) => {
          leave();
          resolve(slot);
        },
        refuse: (reason: unknown) => {
          leave();
          reject(reason);
        },
      };
      const onAbort = () => one.refuse(signal?.reason);
      this.#waiting.add(one);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Refuses everyone who waits. */
  close(): void {
    this.#closed = true;
    for (const one of this.#waiting) one.refuse(closed());
  }

  #slot(): Slot {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = this.#waiting;
      if (next === undefined) this.#free++;
      else next.take(this.#slot());
    };
  }
}

export const closed = (): FairleadError =>
  new FairleadError('kube/closed', 'The connection to the API server has been closed.');
