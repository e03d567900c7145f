/** Of a request's body, for a second try: a longer one is sent once. */
const mostKept = 64 * 1024;
/** Of all requests of a worker. */
const mostOfAll = 32 * 1024 * 1024;
const leastRoom = 1024;

/** What the requests of a worker keep together. */
export interface KeptOctets {
  /** Octets of memory that bodies have taken, filled or not. */
  kept: number;
}

/** The octets of a request's body so far, for who has to have all of them, or has to send them again. */
export class KeptBody {
  /** Nothing was too long to be kept. */
  isWhole = true;
  /** There was no room, for all requests together. */
  isCrowdedOut = false;
  readonly #share: KeptOctets;
  readonly #most: number;
  /** One piece: a body may come octet by octet, and a piece for each would cost many times as much. */
  #room = Buffer.alloc(0);
  #length = 0;

  constructor(share: KeptOctets, most = mostKept) {
    this.#share = share;
    this.#most = most;
  }

  /** Valid until the next octets come. */
  get octets(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  add(bytes: Buffer, start: number, end: number): void {
    if (!this.isWhole) return;
    const length = this.#length + end - start;
    if (length > this.#most || !this.#makeRoom(length)) {
      this.forget();
      return;
    }
    bytes.copy(this.#room, this.#length, start, end);
    this.#length = length;
  }

  /** What is kept is not needed any more, or not of use. */
  forget(): void {
    this.isWhole = false;
    this.#share.kept -= this.#room.length;
    this.#room = Buffer.alloc(0);
    this.#length = 0;
  }

  #makeRoom(length: number): boolean {
    if (length <= this.#room.length) return true;
    const size = Math.min(this.#most, Math.max(length, this.#room.length * 2, leastRoom));
    if (this.#share.kept + size - this.#room.length > mostOfAll) {
      this.isCrowdedOut = true;
      return false;
    }
    this.#share.kept += size - this.#room.length;
    const room = Buffer.allocUnsafeSlow(size);
    this.#room.copy(room, 0, 0, this.#length);
    this.#room = room;
    return true;
  }
}
