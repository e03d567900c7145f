import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import type { FieldLines } from './http1/fields.ts';
import type { FieldSection } from './http2/field-section.ts';
import { code } from './http2/frames.ts';
import type { Http2Stream, StreamOwner } from './http2/stream.ts';
import type { ExchangeUpstream, UpstreamFailure, UpstreamListener } from './sides.ts';
import type { UpstreamSession } from './upstream-session.ts';
import type { OutgoingRequest } from './write-request.ts';
import { writeTrailers } from './write-trailers.ts';

const hostLine = /(^|\r\n)host:[^\r]*\r\n/i;
const nothing = Buffer.alloc(0);

/** One exchange on a connection of HTTP/2 to a backend. */
export class UpstreamStream implements ExchangeUpstream, StreamOwner {
  readonly endpoint: Endpoint;
  readonly isUsed: boolean;
  readonly #session: UpstreamSession;
  readonly #context: ProxyContext;
  #listener: UpstreamListener | undefined;
  #stream: Http2Stream | undefined;
  #isPaused = false;
  /** Octets that came while the client was to take others first. */
  #unconsumed = 0;

  constructor(session: UpstreamSession, context: ProxyContext, listener: UpstreamListener) {
    this.#session = session;
    this.#context = context;
    this.#listener = listener;
    this.endpoint = session.endpoint;
    this.isUsed = session.isUsed;
  }

  get isConnecting(): boolean {
    return this.#session.isConnecting;
  }

  get isFull(): boolean {
    return this.#stream?.isBlocked === true;
  }

  ready(): void {
    this.#listener?.upstreamReady(this);
  }

  refused(detail: string | undefined): void {
    this.#fail({ why: 'upstream-refused', detail });
  }

  request(request: OutgoingRequest): void {
    const stream = this.#session.connection?.open();
    if (stream === undefined) {
      this.#fail({ why: 'upstream-closed', isUnprocessed: true });
      return;
    }
    stream.owner = this;
    this.#stream = stream;
    const { body, length } = request;
    stream.head(this.#block(request), length === 0);
    if (body === undefined) return;
    const octets = Buffer.from(body, 'latin1');
    stream.data(octets, 0, octets.length);
    stream.end('');
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.#stream?.data(bytes, start, end);
  }

  end(trailers: FieldLines | undefined): void {
    this.#stream?.end(this.#context.encoder.lines(writeTrailers(trailers)));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#unconsumed === 0) return;
    this.#stream?.consumed(this.#unconsumed);
    this.#unconsumed = 0;
  }

  release(): void {
    this.#listener = undefined;
    this.resume();
  }

  destroy(): void {
    this.#listener = undefined;
    this.#session.forget(this);
    this.resume();
    this.#stream?.reset(code.cancel);
  }

  // Nothing is upgraded on a stream: Upgrade is not sent, and 101 not taken.
  becomeTunnel(): void {}
  tunnelEnd(): void {}
  finishTunnel(): void {}

  streamHead(section: FieldSection, isLast: boolean): void {
    const listener = this.#listener;
    const stream = this.#stream;
    if (listener === undefined || stream === undefined) return;
    const head = this.#context.http2Answer;
    const problem = section.response(head, isLast);
    const isInterim = problem === 0 && head.status < 200;
    const hasNoBody = listener.hasNoResponseBody(head.status);
    if (problem !== 0 || (isLast && (isInterim || (head.length > 0 && !hasNoBody)))) {
      this.#invalid();
      return;
    }
    if (isInterim) {
      if (!listener.interimResponse(head)) this.#invalid();
      return;
    }
    stream.hasHead = true;
    if (hasNoBody) stream.bodyLeft = 0;
    else if (head.hasLength) stream.bodyLeft = head.length;
    listener.responseHead(head, hasNoBody ? 0 : head.length, nothing, 0, 0, isLast);
  }

  streamData(bytes: Buffer, start: number, end: number): void {
    this.#listener?.responseData(bytes, start, end);
    if (this.#isPaused) this.#unconsumed += end - start;
    else this.#stream?.consumed(end - start);
  }

  streamEnd(section: FieldSection | undefined): void {
    this.#listener?.responseEnd(section?.fields);
  }

  streamLost(isUnprocessed: boolean): void {
    this.resume();
    this.#fail({ why: 'upstream-closed', isUnprocessed });
  }

  streamDrained(): void {
    this.#listener?.upstreamDrained();
  }

  #block(request: OutgoingRequest): string {
    const { encoder } = this.#context;
    const { method, scheme, authority, target, hasHost, takesTrailers } = request;
    const lines = hasHost ? request.lines.replace(hostLine, '$1') : request.lines;
    return (
      encoder.field(':method', method) +
      encoder.field(':scheme', scheme) +
      encoder.field(':authority', authority) +
      encoder.field(':path', target) +
      encoder.lines(lines) +
      (takesTrailers ? encoder.field('te', 'trailers') : '')
    );
  }

  #invalid(): void {
    this.#stream?.reset(code.protocol);
    this.#fail({ why: 'upstream-invalid' });
  }

  #fail(failure: UpstreamFailure): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.upstreamFailed(failure, this);
  }
}
