import type { Socket } from 'node:net';

const blockBytes = 64 * 1024;
/** Shorter pieces are cheaper to allocate than to keep. */
const shortest = 8 * 1024;
const mostKept = 64;

/** Blocks for octets that are on their way: what is read is written from a copy, and the copy's block is used again. */
export class Blocks {
  readonly #free: Buffer[] = [];

  /** A whole block, which its taker gives back. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
  }

  give(block: Buffer): void {
    if (this.#free.length < mostKept) this.#free.push(block);
  }

  /** Writes `before`, a part of `bytes`, and `after`; the texts are short latin1. */
  write(socket: Socket, bytes: Buffer, start: number, end: number, before = '', after = ''): void {
    const length = before.length + end - start + after.length;
    const isKept = length > shortest && length <= blockBytes;
    const block = isKept ? this.take() : Buffer.allocUnsafe(length);
    if (before !== '') block.write(before, 0, 'latin1');
    bytes.copy(block, before.length, start, end);
    if (after !== '') block.write(after, length - after.length, 'latin1');
    if (!isKept) {
      socket.write(block);
      return;
    }
    socket.write(block.subarray(0, length), () => this.give(block));
  }
}
