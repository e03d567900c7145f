import { ChunkedReader } from './chunked.ts';
import type { FieldLines } from './fields.ts';

/** The body of a request as it comes, by its length or in chunks (RFC 9112 section 6). */
export class RequestBody {
  /** Of the content so far. */
  octets = 0;
  isDone = false;
  #left: number;
  readonly #chunks: ChunkedReader | undefined;

  /** `length`: as `RequestHead.length` has it; not 0. */
  constructor(length: number) {
    this.#left = length;
    this.#chunks = length === -1 ? new ChunkedReader() : undefined;
  }

  /** Valid when it is done. */
  get trailers(): FieldLines | undefined {
    return this.#chunks?.trailers;
  }

  /** Gives the content to `take`. Returns where it stopped, or a problem. */
  read(
    bytes: Buffer,
    start: number,
    end: number,
    take: (bytes: Buffer, start: number, end: number) => void,
  ): number {
    if (this.#chunks !== undefined) return this.#readChunks(this.#chunks, bytes, start, end, take);
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    this.octets += stop - start;
    this.isDone = this.#left === 0;
    take(bytes, start, stop);
    return stop;
  }

  #readChunks(
    chunks: ChunkedReader,
    bytes: Buffer,
    start: number,
    end: number,
    take: (bytes: Buffer, start: number, end: number) => void,
  ): number {
    const stop = chunks.read(bytes, start, end, {
      data: (from, first, last) => {
        this.octets += last - first;
        take(from, first, last);
      },
    });
    this.isDone = stop >= 0 && chunks.isDone;
    return stop;
  }
}
