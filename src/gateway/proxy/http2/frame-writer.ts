import type { Socket } from 'node:net';
import type { Blocks } from '../blocks.ts';
import { flag, frame, frameHeadBytes, longestFrame } from './frames.ts';

/**
 * Frames on their way to a socket: those of one turn of the event loop go out in one write, since the answers of many
 * streams come together.
 */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #blocks: Blocks;
  #block: Buffer | undefined;
  #length = 0;
  #flushing: NodeJS.Immediate | undefined;

  constructor(socket: Socket, blocks: Blocks) {
    this.#socket = socket;
    this.#blocks = blocks;
  }

  /** More was written than the other side takes at the moment. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** A frame whose payload is text, latin1. */
  text(type: number, flags: number, stream: number, payload: string): void {
    const at = this.#head(type, flags, stream, payload.length);
    this.#take().write(payload, at, 'latin1');
  }

  /** A header block, in as many frames as it needs. */
  headers(stream: number, block: string, isLast: boolean): void {
    const end = isLast ? flag.endStream : 0;
    if (block.length <= longestFrame) {
      this.text(frame.headers, flag.endHeaders | end, stream, block);
      return;
    }
    this.text(frame.headers, end, stream, block.slice(0, longestFrame));
    for (let at = longestFrame; at < block.length; at += longestFrame) {
      const isEnd = at + longestFrame >= block.length;
      this.text(frame.continuation, isEnd ? flag.endHeaders : 0, stream, block.slice(at, at + longestFrame));
    }
  }

  /** At most `longestFrame` octets. */
  data(stream: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    const at = this.#head(frame.data, isLast ? flag.endStream : 0, stream, end - start);
    bytes.copy(this.#take(), at, start, end);
  }

  /** A frame whose payload are numbers of 32 bits. */
  numbers(type: number, flags: number, stream: number, ...values: readonly number[]): void {
    let at = this.#head(type, flags, stream, values.length * 4);
    const block = this.#take();
    for (const value of values) at = block.writeUInt32BE(value, at);
  }

  bytes(bytes: Buffer): void {
    const block = this.#reserve(bytes.length);
    bytes.copy(block, this.#length);
    this.#length += bytes.length;
  }

  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const block = this.#block;
    if (block === undefined || this.#length === 0) return;
    const length = this.#length;
    this.#block = undefined;
    this.#length = 0;
    const mustWait = this.#socket.writableLength > 0;
    if (mustWait && length * 2 < block.length && !this.#socket.destroyed) {
      // A whole block would wait with few octets in it, and many of them where the other side reads nothing.
      this.#socket.write(Buffer.from(block.subarray(0, length)));
      this.#blocks.give(block);
    } else if (this.#socket.destroyed) this.#blocks.give(block);
    else this.#socket.write(block.subarray(0, length), () => this.#blocks.give(block));
  }

  #head(type: number, flags: number, stream: number, length: number): number {
    const block = this.#reserve(frameHeadBytes + length);
    let at = this.#length;
    block[at++] = length >>> 16;
    block[at++] = length >>> 8;
    block[at++] = length;
    block[at++] = type;
    block[at++] = flags;
    at = block.writeUInt32BE(stream, at);
    this.#length = at + length;
    return at;
  }

  #take(): Buffer {
    this.#block ??= this.#blocks.take();
    return this.#block;
  }

  #reserve(length: number): Buffer {
    if (this.#block !== undefined && this.#length + length > this.#block.length) this.flush();
    this.#flushing ??= setImmediate(() => this.flush());
    return this.#take();
  }
}
