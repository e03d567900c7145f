import type { Socket } from 'node:net';
import type { ProxyContext } from './context.ts';
import { dialEndpoint } from './dial.ts';
import type { Endpoint } from './endpoints.ts';
import { ChunkedReader } from './http1/chunked.ts';
import { isChunked, readResponseHead, ResponseHead, untilClose } from './http1/response-head.ts';
import { limits as headLimits } from './http1/limits.ts';
import type { Reader } from './reading-socket.ts';
import type { FieldLines } from './http1/fields.ts';
import type { ExchangeUpstream, UpstreamListener } from './sides.ts';
import { isFull, writeChunk, writeText } from './write-octets.ts';
import { type OutgoingRequest, requestText } from './write-request.ts';
import { writeTrailers } from './write-trailers.ts';

/** An endpoint that says it keeps idle connections for so many seconds is taken at its word, less this. */
const keepAliveMargin = 1000;

type Phase = 'connecting' | 'idle' | 'head' | 'body' | 'tunnel' | 'closed';

/**
 * A connection to an endpoint, with one exchange at a time. It reads answers, and tells the exchange of the head, the
 * pieces and the end, or that there will be none.
 */
export class UpstreamConnection implements Reader, ExchangeUpstream {
  readonly endpoint: Endpoint;
  readonly #socket: Socket;
  idleSince = 0;
  keptFor: number;
  /** It has carried an exchange before: that it is closed says nothing of the endpoint. */
  isUsed = false;
  readonly #context: ProxyContext;
  readonly #head = new ResponseHead();
  #phase: Phase = 'connecting';
  #exchange: UpstreamListener | undefined;
  #held: Buffer | undefined;
  #left = 0;
  #isRequestChunked = false;
  #chunks: ChunkedReader | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, context: ProxyContext) {
    this.endpoint = endpoint;
    this.#context = context;
    this.keptFor = context.limits.upstreamIdle;
    const { socket, ready } = dialEndpoint(context, endpoint, 'http/1.1', this);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(new Error('timed out')), context.limits.connect);
    this.#socket.on(ready, () => this.#connected());
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', error => this.#lost(error));
    this.#socket.on('close', () => this.#lost(undefined));
    this.#socket.on('drain', () => this.#exchange?.upstreamDrained());
  }

  /** For an idle or a connecting one. */
  carry(exchange: UpstreamListener): void {
    this.#exchange = exchange;
    if (this.#phase === 'idle') this.#phase = 'head';
  }

  get isConnecting(): boolean {
    return this.#phase === 'connecting';
  }

  get isFull(): boolean {
    return isFull(this.#socket);
  }

  request(request: OutgoingRequest): void {
    this.#isRequestChunked = request.length === -1;
    writeText(this.#socket, requestText(request));
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.#isRequestChunked) writeChunk(this.#socket, this.#context.blocks, bytes, start, end);
    else this.#context.blocks.write(this.#socket, bytes, start, end);
  }

  end(trailers: FieldLines | undefined): void {
    if (this.#isRequestChunked) writeText(this.#socket, `0\r\n${writeTrailers(trailers)}\r\n`);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#lost(undefined);
  }

  /** The exchange is over and the answer came whole; the connection may have another. */
  release(): void {
    this.#exchange = undefined;
    if (this.#phase === 'closed') return;
    if (this.#phase !== 'idle') {
      this.destroy();
      return;
    }
    this.isUsed = true;
    // The last octets may have been more than their client took at once; the next answer, or the end, is read on.
    this.#socket.resume();
    this.#context.pool.give(this, this.#context);
  }

  becomeTunnel(): void {
    this.#isRequestChunked = false;
    this.#phase = 'tunnel';
  }

  tunnelEnd(): void {
    this.#socket.end();
  }

  /** Both sides have said all: what is still to be written goes out, for a bounded time; then the socket ends by itself. */
  finishTunnel(): void {
    this.#exchange = undefined;
    this.#socket.setTimeout(this.#context.limits.upstreamPause, () => this.destroy());
  }

  read(bytes: Buffer, length: number): void {
    let buffer = bytes;
    let end = length;
    if (this.#held !== undefined) {
      buffer = Buffer.concat([this.#held, bytes.subarray(0, length)]);
      end = buffer.length;
      this.#held = undefined;
    }
    this.#consume(buffer, 0, end);
  }

  #consume(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const exchange = this.#exchange;
      if (exchange === undefined || this.#phase === 'idle' || this.#phase === 'closed') {
        // Octets that nobody asked for: whatever comes next on this connection cannot be trusted.
        this.destroy();
        return;
      }
      if (this.#phase === 'tunnel') {
        exchange.tunnelFromUpstream(bytes, at, end);
        return;
      }
      const next =
        this.#phase === 'body'
          ? this.#readBody(exchange, bytes, at, end)
          : this.#readHead(exchange, bytes, at, end);
      if (next < 0) return;
      at = next;
    }
  }

  /** Returns where it stopped, or -1 where there is nothing more to do. */
  #readHead(exchange: UpstreamListener, bytes: Buffer, start: number, end: number): number {
    const head = this.#head;
    const bodyStart = readResponseHead(bytes, start, end, head);
    if (bodyStart === 0) {
      if (end - start > headLimits.head) return this.#invalid();
      this.#held = Buffer.from(bytes.subarray(start, end));
      return -1;
    }
    if (bodyStart < 0) return this.#invalid();
    if (head.keepAliveSeconds >= 0)
      this.keptFor = Math.min(
        this.#context.limits.upstreamIdle,
        head.keepAliveSeconds * 1000 - keepAliveMargin,
      );
    if (head.status < 200) return exchange.interimResponse(head) ? bodyStart : this.#invalid();
    const length = exchange.hasNoResponseBody(head.status) ? 0 : head.length;
    if (length === 0) {
      this.#finish(bodyStart === end);
      exchange.responseHead(head, length, bytes, bodyStart, bodyStart, true);
      return bodyStart;
    }
    this.#phase = 'body';
    this.#chunks = length === isChunked ? new ChunkedReader() : undefined;
    this.#left = length;
    if (length > 0 && end - bodyStart >= length) {
      // All of it is here, which is what most answers are: one piece to write.
      this.#finish(bodyStart + length === end);
      exchange.responseHead(head, length, bytes, bodyStart, bodyStart + length, true);
      return bodyStart + length;
    }
    const stop = this.#chunks === undefined ? end : bodyStart;
    if (length > 0) this.#left -= stop - bodyStart;
    exchange.responseHead(head, length, bytes, bodyStart, stop, false);
    return stop;
  }

  #readBody(exchange: UpstreamListener, bytes: Buffer, start: number, end: number): number {
    if (this.#chunks !== undefined) return this.#readChunks(exchange, this.#chunks, bytes, start, end);
    if (this.#left === untilClose) {
      exchange.responseData(bytes, start, end);
      return end;
    }
    const stop = Math.min(end, start + this.#left);
    this.#left -= stop - start;
    const isLast = this.#left === 0;
    if (isLast) this.#finish(stop === end);
    exchange.responseData(bytes, start, stop);
    if (isLast) exchange.responseEnd(undefined);
    return stop;
  }

  #readChunks(
    exchange: UpstreamListener,
    chunks: ChunkedReader,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    const stop = chunks.read(bytes, start, end, {
      data: (from, first, last) => exchange.responseData(from, first, last),
    });
    if (stop < 0) return this.#invalid();
    if (chunks.isDone) {
      this.#chunks = undefined;
      this.#finish(stop === end);
      exchange.responseEnd(chunks.trailers);
    }
    return stop;
  }

  /** `isClean`: nothing came after the answer. What did could otherwise be taken for the answer to the next request. */
  #finish(isClean: boolean): void {
    this.#phase = isClean && this.#head.isPersistent ? 'idle' : 'closed';
    this.#left = 0;
    if (this.#phase === 'closed') this.#close();
  }

  #invalid(): -1 {
    const exchange = this.#exchange;
    this.destroy();
    exchange?.upstreamFailed({ why: 'upstream-invalid' }, this);
    return -1;
  }

  #connected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.endpoint.answered();
    this.#phase = 'head';
    this.#exchange?.upstreamReady(this);
  }

  #ended(): void {
    if (this.#phase === 'tunnel') {
      this.#exchange?.tunnelEnded('upstream');
      return;
    }
    if (this.#phase === 'body' && this.#left === untilClose && this.#chunks === undefined) {
      const exchange = this.#exchange;
      this.#exchange = undefined;
      this.#close();
      exchange?.responseEnd(undefined);
      return;
    }
    this.#lost(undefined);
  }

  #lost(error: Error | undefined): void {
    if (this.#phase === 'closed' && this.#exchange === undefined) {
      this.#close();
      return;
    }
    const phase = this.#phase;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#close();
    if (phase === 'connecting') this.endpoint.failed(this.#context.now);
    const why = phase === 'connecting' ? 'upstream-refused' : 'upstream-closed';
    exchange?.upstreamFailed({ why, detail: error?.message }, this);
  }

  #isClosed = false;

  #close(): void {
    this.#phase = 'closed';
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.#context.pool.closed(this);
  }
}
