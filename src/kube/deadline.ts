/**
 * A signal that is aborted with its parent or after a time, whichever comes first. Disposed, it leaves no timer and no
 * listener behind, which AbortSignal.timeout and AbortSignal.any would keep until they fire.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onParentAbort = () => this.#controller.abort(this.#parent?.reason);
  #passed = false;

  constructor(milliseconds: number, parent: AbortSignal | undefined) {
    this.#parent = parent;
    this.#timer = setTimeout(() => {
      this.#passed = true;
      this.#controller.abort(new Error(`not within ${milliseconds} ms`));
    }, milliseconds);
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
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener('abort', this.#onParentAbort);
  }
}
