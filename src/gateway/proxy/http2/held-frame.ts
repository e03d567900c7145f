import { code, ConnectionError, flag, frame, frameHeadBytes, longestFrame } from './frames.ts';

/**
 * Cuts octets into frames, and keeps the beginning of one that has not come whole. Of DATA only the head counts as the
 * frame, with the octet of its padding's length: the rest is read as it comes.
 */
export class HeldFrame {
  /** Where the frame begins in what `take` returned, and where to read on in what it was given. */
  start = 0;
  next = 0;
  #held: Buffer | undefined;
  #length = 0;

  get isPartial(): boolean {
    return this.#held !== undefined;
  }

  /** The octets with a whole frame from `start` on, or undefined: all up to `end` is kept. */
  take(bytes: Buffer, at: number, end: number): Buffer | undefined {
    if (this.#held === undefined) {
      const size = end - at < frameHeadBytes ? 0 : sizeOf(bytes, at);
      if (size > 0 && end - at >= size) {
        this.start = at;
        this.next = at + size;
        return bytes;
      }
      this.#held = Buffer.allocUnsafe(Math.max(size, frameHeadBytes));
      this.#length = 0;
    }
    let from = this.#fill(bytes, at, end);
    if (this.#length < this.#held.length) return this.#wait(from);
    const size = sizeOf(this.#held, 0);
    if (size > this.#held.length) {
      const longer = Buffer.allocUnsafe(size);
      this.#held.copy(longer);
      this.#held = longer;
      from = this.#fill(bytes, from, end);
      if (this.#length < size) return this.#wait(from);
    }
    const whole = this.#held;
    this.#held = undefined;
    this.start = 0;
    this.next = from;
    return whole;
  }

  #wait(at: number): undefined {
    this.next = at;
  }

  #fill(bytes: Buffer, at: number, end: number): number {
    const held = this.#held;
    if (held === undefined) return at;
    const stop = Math.min(end, at + held.length - this.#length);
    bytes.copy(held, this.#length, at, stop);
    this.#length += stop - at;
    return stop;
  }
}

function sizeOf(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > longestFrame) throw new ConnectionError(code.frameSize, 'a frame is longer than was allowed');
  if (bytes[at + 3] !== frame.data) return frameHeadBytes + length;
  const isPadded = ((bytes[at + 4] ?? 0) & flag.padded) !== 0;
  return frameHeadBytes + (isPadded && length > 0 ? 1 : 0);
}
