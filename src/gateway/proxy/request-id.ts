import { randomBytes } from 'node:crypto';

/** Whatever a client sends is written into logs and passed on: only short, plain ones are kept. */
const sane = /^[A-Za-z0-9._~:+/=@-]{1,128}$/;

/** Names requests: unique, not secret. A process has a random name, its requests are numbered. */
export class RequestIds {
  readonly #prefix = `${randomBytes(8).toString('hex')}-`;
  #count = 0;

  of(given: string | undefined): string {
    if (given !== undefined && sane.test(given)) return given;
    return this.#prefix + (++this.#count).toString(36);
  }
}
