import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';

/**
 * A signal that is aborted with its parent or after a time, whichever comes first. Disposed, it leaves no timer and no
 * listener behind, which AbortSignal.timeout and AbortSignal.any would keep until they fire.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #disposed = new AbortController();
  readonly #onParentAbort = () => this.#controller.abort(this.#parent?.reason);
  #passed = false;

  constructor(milliseconds: number, parent: AbortSignal | undefined, clock: Clock = systemClock) {
    this.#parent = parent;
    clock.sleep(milliseconds, this.#disposed.signal).then(
      () => {
        this.#passed = true;
        this.#controller.abort(new Error(`not within ${milliseconds} ms`));
      },
      () => undefined, // disposed
    );
    if (parent?.aborted === true) this.#onParentAbort();
    else parent?.addEventListener('abort', this.#onParentAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Was it time, and not the parent, that ended it? */
  get passed(): boolean {
    return this.#passed;
  }

  [Symbol.dispose](): void {
    this.#disposed.abort();
    this.#parent?.removeEventListener('abort', this.#onParentAbort);
  }
}
