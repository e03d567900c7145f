import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProxyContext } from './context.ts';
import { dialEndpoint } from './dial.ts';
import type { Endpoint } from './endpoints.ts';
import { Http2Connection } from './http2/connection.ts';
import type { Reader } from './reading-socket.ts';
import type { UpstreamListener } from './sides.ts';
import { UpstreamStream } from './upstream-stream.ts';

/** Octets that a backend may send on one stream before its client takes them. */
const streamWindow = 128 * 1024;
/** More go on another connection, whatever the backend allows. */
const mostStreams = 256;
/** Room for all streams: clients that take nothing of theirs must not hold up those of others. */
const connectionWindow = mostStreams * streamWindow;

/** A connection of HTTP/2 to an endpoint, by prior knowledge, with many exchanges at a time. */
export class UpstreamSession implements Reader {
  readonly endpoint: Endpoint;
  isUsed = false;
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #waiting = new Set<UpstreamStream>();
  #connection: Http2Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #idleSince = 0;
  #isIdle = true;
  #isLeaving = false;
  #isClosed = false;

  constructor(endpoint: Endpoint, context: ProxyContext) {
    this.endpoint = endpoint;
    this.#context = context;
    const { socket, ready } = dialEndpoint(context, endpoint, 'h2', this);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost('timed out'), context.limits.connect);
    this.#socket.on(ready, () => this.#connected());
    this.#socket.on('end', () => this.#lost(undefined));
    this.#socket.on('error', error => this.#lost(error.message));
    this.#socket.on('close', () => this.#lost(undefined));
  }

  get isConnecting(): boolean {
    return this.#connection === undefined;
  }

  get hasRoom(): boolean {
    const { streams, peer } = this.#connection ?? {};
    const open = (streams?.size ?? 0) + this.#waiting.size;
    return !this.#isLeaving && !this.#isClosed && open < Math.min(mostStreams, peer?.streams ?? mostStreams);
  }

  /** For an exchange, that is told when it can begin, where it cannot at once. */
  carry(listener: UpstreamListener): UpstreamStream {
    const stream = new UpstreamStream(this, this.#context, listener);
    if (this.isConnecting) this.#waiting.add(stream);
    return stream;
  }

  get connection(): Http2Connection | undefined {
    return this.#isClosed ? undefined : this.#connection;
  }

  forget(stream: UpstreamStream): void {
    this.#waiting.delete(stream);
  }

  /** What is under way ends on its own. */
  leave(): void {
    this.#isLeaving = true;
    if (this.#connection === undefined) {
      if (this.#waiting.size === 0) this.#lost(undefined);
    } else if (this.#isIdle) this.#connection.end();
  }

  sweep(): void {
    const { now, limits } = this.#context;
    if (this.#connection === undefined) return;
    this.#connection.sweep(now, limits.upstreamPause);
    if (this.#isIdle && (this.#isLeaving || this.#idleSince + limits.upstreamIdle < now)) this.leave();
  }

  read(bytes: Buffer, length: number): void {
    this.#connection?.read(bytes, length);
  }

  #connected(): void {
    const { alpnProtocol } = this.#socket as Partial<TLSSocket>; // absent without TLS
    if (alpnProtocol !== undefined && alpnProtocol !== 'h2') {
      this.#lost('the backend does not choose HTTP/2 by ALPN');
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.endpoint.answered();
    this.#idleSince = this.#context.now;
    this.#connection = new Http2Connection({
      isServer: false,
      socket: this.#socket,
      share: this.#context,
      streamWindow,
      connectionWindow,
      streams: 0,
      idleChanged: isIdle => {
        this.#isIdle = isIdle;
        this.#idleSince = this.#context.now;
        if (!isIdle) this.isUsed = true;
        else if (this.#isLeaving) this.#connection?.end();
      },
      leaving: () => {
        this.#isLeaving = true;
        if (this.#isIdle) this.#connection?.end();
      },
      closed: problem => this.#lost(problem),
    });
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of waiting) stream.ready();
  }

  #lost(problem: string | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#context.pool.sessionClosed(this);
    this.#connection?.lost(problem);
    if (this.#connection === undefined) this.endpoint.failed(this.#context.now);
    // What the connection still had to say goes out first.
    if (this.#socket.writableLength > 0) this.#socket.end(() => this.#socket.destroy());
    else this.#socket.destroy();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const stream of waiting) stream.refused(problem);
  }
}
