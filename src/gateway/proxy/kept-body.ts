/** Of a request's body, for a second try: a longer one is sent once. */
const mostKept = 64 * 1024;

/** The octets of a request's body so far, for who has to have all of them, or has to send them again. */
export class KeptBody {
  /** Nothing was too long to be kept. */
  isWhole = true;
  octets = 0;
  #pieces: Buffer[] = [];
  readonly #most: number;

  constructor(most = mostKept) {
    this.#most = most;
  }

  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }

  add(bytes: Buffer, start: number, end: number): void {
    if (!this.isWhole) return;
    this.octets += end - start;
    if (this.octets <= this.#most) this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    else this.forget();
  }

  forget(): void {
    this.isWhole = false;
    this.#pieces = [];
  }
}
