import type { FrameWriter } from './frame-writer.ts';
import { code, ConnectionError, firstWindow, largestWindow, longestFrame, preface } from './frames.ts';
import { noTable } from './header-encoder.ts';
import type { Http2Share } from './options.ts';
import type { Http2Stream } from './stream.ts';

/** Who takes less than this of an answer, in octets, does not take it. */
const leastTaken = 4096;

/** What goes out on the streams of a connection: as much as its window, theirs, and the socket take. */
export class Outflow {
  readonly #writer: FrameWriter;
  readonly #share: Pick<Http2Share, 'now' | 'queued'>;
  readonly #moved: () => void;
  /** Something waits there. */
  readonly #blocked = new Set<Http2Stream>();
  #window = firstWindow;
  #hasSentHead = false;

  /** `moved` is called for each frame of a body that goes out. */
  constructor(writer: FrameWriter, share: Pick<Http2Share, 'now' | 'queued'>, moved: () => void) {
    this.#writer = writer;
    this.#share = share;
    this.#moved = moved;
  }

  head(stream: Http2Stream, block: string, isLast: boolean): void {
    const first = this.#hasSentHead ? '' : noTable;
    this.#hasSentHead = true;
    this.#writer.headers(stream.id, first + block, isLast);
  }

  /** Returns where it stopped. */
  data(stream: Http2Stream, bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.#writer.isFull) {
      const length = Math.min(end - at, longestFrame, stream.sendWindow, this.#window);
      if (length <= 0) break;
      this.#writer.data(stream.id, bytes, at, at + length, false);
      stream.sendWindow -= length;
      this.#window -= length;
      at += length;
      this.#moved();
    }
    stream.moved += at - start;
    if (stream.moved >= leastTaken) {
      stream.moved = 0;
      stream.movedAt = this.#share.now;
    }
    return at;
  }

  end(stream: Http2Stream, trailers: string): void {
    if (trailers === '') this.#writer.data(stream.id, preface, 0, 0, true);
    else this.#writer.headers(stream.id, trailers, true);
  }

  /** So many octets more wait on a stream. */
  block(stream: Http2Stream, octets: number): void {
    if (!this.#blocked.has(stream)) {
      stream.moved = 0;
      stream.movedAt = this.#share.now;
    }
    this.#blocked.add(stream);
    this.#share.queued += octets;
  }

  /** Streams whose receiver has taken nothing for `patience` milliseconds. */
  stuck(now: number, patience: number): readonly Http2Stream[] {
    return [...this.#blocked].filter(stream => now - stream.movedAt > patience);
  }

  /** The connection's window has so many octets more. */
  widen(more: number): void {
    this.#window += more;
    if (this.#window > largestWindow) throw new ConnectionError(code.flowControl, 'the window is too large');
  }

  /** The windows or the socket take more again. */
  pump(): void {
    for (const stream of this.#blocked) {
      if (this.#writer.isFull) return;
      this.pumpStream(stream);
    }
  }

  pumpStream(stream: Http2Stream): void {
    if (!this.#blocked.has(stream)) return;
    const before = stream.queued;
    const isDone = stream.pump();
    if (!this.#blocked.has(stream)) return;
    this.#share.queued -= before - stream.queued;
    if (!isDone) return;
    this.#blocked.delete(stream);
    stream.finish();
    stream.owner?.streamDrained();
  }

  /** What waits there is not wanted any more. */
  forget(stream: Http2Stream): void {
    this.#blocked.delete(stream);
    this.#share.queued -= stream.queued;
    stream.forget();
  }
}
