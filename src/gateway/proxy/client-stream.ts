import type { Arrived } from './arrived.ts';
import type { ClientSession } from './client-session.ts';
import type { ProxyContext } from './context.ts';
import { Exchange } from './exchange.ts';
import type { FieldLines } from './http1/fields.ts';
import { problemOf } from './http1/problems.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { FieldSection } from './http2/field-section.ts';
import { code } from './http2/frames.ts';
import type { Http2Stream, StreamOwner } from './http2/stream.ts';
import { grpcStatus, ownBody, ownLines, type OwnResponse } from './own-response.ts';
import { routeRequest } from './route-request.ts';
import type { ExchangeClient, Responding } from './sides.ts';
import { droppedOfResponse } from './write-response.ts';
import { writeFields } from './write-fields.ts';
import { writeTrailers } from './write-trailers.ts';

/** One request of a client that speaks HTTP/2. */
export class ClientStream implements ExchangeClient, StreamOwner {
  readonly protocol = 'HTTP/2.0';
  readonly #session: ClientSession;
  readonly #context: ProxyContext;
  readonly #stream: Http2Stream;
  #exchange: Exchange | undefined;
  /** What came of the body before a backend took it. */
  #held: Buffer[] = [];
  #isPaused = false;
  /** The end of the body has come, but what is before it is held; with its trailers. */
  #heldEnd: { readonly trailers: FieldLines | undefined } | undefined;
  #isBodyDone = false;
  /** A stream of messages, on which nothing may be said for long. */
  #isGrpc = false;
  #deadline: number;
  readonly #since: number;
  #octets = 0;

  constructor(session: ClientSession, context: ProxyContext, stream: Http2Stream) {
    this.#session = session;
    this.#context = context;
    this.#stream = stream;
    this.#since = context.now;
    this.#deadline = context.now + context.limits.upstreamPause;
  }

  get port(): number {
    return this.#session.port;
  }

  get scheme(): 'http' | 'https' {
    return this.#session.scheme;
  }

  get arrived(): Arrived {
    return this.#session.arrived;
  }

  get forwarded(): string {
    return this.#session.forwarded;
  }

  get logged(): string {
    return this.#session.logged;
  }

  get isFull(): boolean {
    return this.#stream.isBlocked;
  }

  /** A request whose head is in the section. */
  begin(section: FieldSection, isLast: boolean): void {
    const context = this.#context;
    const head = context.http2Head;
    const problem = section.request(head, isLast);
    const exchange = new Exchange(this, context, head);
    this.#exchange = exchange;
    this.#isGrpc = head.isGrpc;
    this.#isBodyDone = isLast;
    this.#stream.bodyLeft = head.hasLength ? head.length : -1;
    const routed =
      problem === 0 ? routeRequest(context.index, head, this.#session, context.hostnames) : problem;
    if (typeof routed === 'number') {
      const { status, sentence } = problemOf(routed);
      // RFC 9113 section 8.1.1: an answer that says why, before the stream ends.
      exchange.refuse(status, sentence);
      return;
    }
    if (!isLast) this.#deadline = context.now + this.#bodyPause;
    exchange.start(head, routed, undefined);
  }

  /** Looks at the time limits. */
  sweep(now: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const isOurs = this.#isBodyDone || this.#isPaused || !exchange.isSending;
    const { bodyPatience, bodyRate } = this.#context.limits;
    const elapsed = now - this.#since;
    const isSlow = elapsed > bodyPatience && this.#octets * 1000 < bodyRate * elapsed;
    if (!isOurs && isSlow && !this.#isGrpc && !exchange.isResponding) exchange.clientSlow();
    else if (now < this.#deadline) return;
    else if (isOurs || exchange.isResponding) exchange.timeOut('nothing moved for too long');
    else exchange.clientSlow();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#flush();
  }

  wanted(): void {
    this.heard();
    this.resume();
  }

  heard(): void {
    const { now, limits } = this.#context;
    this.#deadline = now + (this.#isGrpc ? limits.tunnelIdle : limits.upstreamPause);
  }

  isTaking(): void {
    this.#deadline = this.#context.now + this.#context.limits.clientPause;
  }

  interim(head: ResponseHead): void {
    this.#stream.head(
      this.#block(head, writeFields(head.fields, droppedOfResponse, head.names, undefined)),
      false,
    );
  }

  respond({ head, change, bytes, start, end }: Responding): void {
    const lines = writeFields(head.fields, droppedOfResponse, head.names, change);
    this.#stream.head(this.#block(head, lines), false);
    if (end > start) this.#stream.data(bytes, start, end);
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#stream.data(bytes, start, end);
  }

  end(trailers: FieldLines | undefined): void {
    this.#stream.end(this.#context.encoder.lines(writeTrailers(trailers)));
  }

  own(response: OwnResponse): void {
    const { encoder } = this.#context;
    const { status, sentence, isGrpc, isHead, requestId } = response;
    if (isGrpc && status >= 400) {
      const lines = `content-type: application/grpc\r\ngrpc-status: ${grpcStatus(response)}\r\ngrpc-message: ${encodeURI(sentence)}\r\nx-request-id: ${requestId}\r\n`;
      this.#stream.head(encoder.field(':status', '200') + encoder.lines(lines), true);
      return;
    }
    const text = ownBody(response);
    const isAll = isHead || text === '';
    this.#stream.head(
      encoder.field(':status', String(status)) + encoder.lines(ownLines(response, text)),
      isAll,
    );
    if (isAll) return;
    const body = Buffer.from(text, 'latin1');
    this.#stream.data(body, 0, body.length);
    this.#stream.end('');
  }

  answered(): void {
    this.#exchange = undefined;
    this.#release();
    // RFC 9113 section 8.1: an answer that did not need the whole request.
    if (!this.#stream.isRemoteDone && !this.#stream.isBlocked) this.#stream.reset(code.none);
  }

  abort(): void {
    this.#exchange = undefined;
    this.#release();
    this.#stream.reset(code.internal);
  }

  // A stream is not upgraded: Upgrade is refused with the section that has it.
  becomeTunnel(): void {}
  tunnelData(): void {}
  tunnelEnd(): void {}

  streamHead(): void {}

  streamData(bytes: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    this.#deadline = this.#context.now + this.#bodyPause;
    this.#octets += end - start;
    if (exchange === undefined) this.#stream.consumed(end - start);
    else if (this.#isPaused || !exchange.isSending || this.#held.length > 0)
      this.#held.push(Buffer.from(bytes.subarray(start, end)));
    else {
      exchange.requestData(bytes, start, end);
      this.#stream.consumed(end - start);
    }
  }

  streamEnd(section: FieldSection | undefined): void {
    this.#isBodyDone = true;
    this.heard();
    if (this.#held.length > 0 || this.#exchange?.isSending === false)
      this.#heldEnd = { trailers: section?.keep() };
    else this.#exchange?.requestEnd(section?.fields);
  }

  streamLost(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#release();
    exchange?.clientGone();
  }

  streamDrained(): void {
    if (this.#exchange !== undefined) this.#exchange.clientDrained();
    else if (!this.#stream.isRemoteDone) this.#stream.reset(code.none);
  }

  get #bodyPause(): number {
    const { limits } = this.#context;
    return this.#isGrpc ? limits.tunnelIdle : limits.bodyPause;
  }

  #flush(): void {
    while (this.#held.length > 0 && !this.#isPaused && this.#exchange?.isSending === true) {
      const piece = this.#held.shift() as Buffer; // not empty
      this.#exchange.requestData(piece, 0, piece.length);
      this.#stream.consumed(piece.length);
    }
    if (this.#held.length > 0 || this.#heldEnd === undefined || this.#exchange?.isSending !== true) return;
    const { trailers } = this.#heldEnd;
    this.#heldEnd = undefined;
    this.#exchange.requestEnd(trailers);
  }

  #release(): void {
    const octets = this.#held.reduce((sum, piece) => sum + piece.length, 0);
    this.#held = [];
    this.#heldEnd = undefined;
    if (octets > 0) this.#stream.consumed(octets);
  }

  #block({ status }: ResponseHead, lines: string): string {
    const { encoder } = this.#context;
    return encoder.field(':status', String(status)) + encoder.lines(lines);
  }
}
