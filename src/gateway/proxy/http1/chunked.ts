import { hexadecimal, isFieldValue, octets } from './characters.ts';
import { FieldLines, keptFields, readFields } from './fields.ts';
import { limits } from './limits.ts';
import { problem } from './problems.ts';

const { cr, lf, semicolon } = octets;
/** More digits than any body has; zeros in front count. */
const mostSizeDigits = 12;

const state = {
  size: 0,
  extension: 1,
  sizeEnd: 2,
  data: 3,
  dataEnd: 4,
  dataEndLine: 5,
  trailers: 6,
  done: 7,
} as const;

/** What is done with a body as it comes; the octets are valid during the call. */
export interface BodySink {
  data(bytes: Buffer, start: number, end: number): void;
}

/**
 * Reads a chunked body however it is cut (RFC 9112 section 7.1). Sizes are hexadecimal digits and nothing else;
 * extensions are read over and not passed on; trailers are kept.
 */
export class ChunkedReader {
  #state: number = state.size;
  #left = 0;
  #digits = 0;
  #lineLength = 0;
  #extensions = 0;
  /** What came of a trailer section that is not whole yet. */
  #trailers: Buffer | undefined;
  #kept: FieldLines | undefined;

  get isDone(): boolean {
    return this.#state === state.done;
  }

  /** The trailer fields of a body that is done. */
  get trailers(): FieldLines | undefined {
    return this.#kept;
  }

  /** Reads on; returns where it stopped, which is `end`, or the end of the body once `isDone`; or a problem. */
  read(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    let at = start;
    while (at < end) {
      if (this.#state === state.data) {
        const stop = Math.min(end, at + this.#left);
        sink.data(bytes, at, stop);
        this.#left -= stop - at;
        at = stop;
        if (this.#left === 0) this.#state = state.dataEnd;
        continue;
      }
      if (this.#state === state.trailers) return this.#readTrailers(bytes, at, end);
      const refused = this.#readOctet(bytes[at] as number); // at < end
      if (refused !== 0) return refused;
      at++;
    }
    return at;
  }

  #readOctet(octet: number): number {
    switch (this.#state) {
      case state.size:
        return this.#readSize(octet);
      case state.extension:
        if (++this.#lineLength > limits.chunkLine || ++this.#extensions > limits.chunkExtensions)
          return problem.chunkExtension;
        if (octet === cr) this.#state = state.sizeEnd;
        else if (isFieldValue[octet] !== 1) return problem.chunkExtension;
        return 0;
      case state.sizeEnd:
        if (octet !== lf) return problem.chunkSize;
        this.#state = this.#left === 0 ? state.trailers : state.data;
        this.#digits = 0;
        this.#lineLength = 0;
        return 0;
      case state.dataEnd:
        if (octet !== cr) return problem.chunkEnd;
        this.#state = state.dataEndLine;
        return 0;
      default:
        if (octet !== lf) return problem.chunkEnd;
        this.#state = state.size;
        return 0;
    }
  }

  #readSize(octet: number): number {
    const digit = hexadecimal[octet] as number; // the table has every octet
    if (digit !== 255) {
      if (++this.#digits > mostSizeDigits) return problem.chunkSize;
      this.#left = this.#left * 16 + digit;
      return 0;
    }
    if (this.#digits === 0) return problem.chunkSize;
    if (octet === cr) this.#state = state.sizeEnd;
    else if (octet === semicolon) this.#state = state.extension;
    else return problem.chunkSize;
    return 0;
  }

  #readTrailers(bytes: Buffer, start: number, end: number): number {
    const before = this.#trailers?.length ?? 0;
    const [all, from] =
      this.#trailers === undefined
        ? [bytes, start]
        : [Buffer.concat([this.#trailers, bytes.subarray(start, end)]), 0];
    const stop = this.#trailers === undefined ? end : all.length;
    const fields = new FieldLines();
    const read = readFields(all, from, stop, fields);
    if (read < 0) return problem.trailer;
    if ((read === 0 ? stop : read) - from > limits.trailers) return problem.trailer;
    if (read === 0) {
      this.#trailers = Buffer.from(all.subarray(from, stop));
      return end;
    }
    this.#state = state.done;
    if (fields.count > 0) this.#kept = keptFields(fields, from, read);
    return start + (read - from) - before;
  }
}
