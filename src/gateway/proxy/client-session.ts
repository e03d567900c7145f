import type { Socket } from 'node:net';
import { type Arrived, forwardedOf, loggedOf } from './arrived.ts';
import { ClientStream } from './client-stream.ts';
import type { Client, ProxyContext } from './context.ts';
import { Http2Connection } from './http2/connection.ts';
import { code } from './http2/frames.ts';
import type { Reader } from './reading-socket.ts';

/** Octets of requests' bodies that a client may send before backends take them. */
const streamWindow = 128 * 1024;
const connectionWindow = 512 * 1024;
const mostStreams = 128;
/** From the announcement that the connection ends to the last stream that is taken. */
const warningMilliseconds = 500;
/** What all clients together may leave lying on streams; beyond it the patience with them is short. */
const mostQueued = 64 * 1024 * 1024;
const shortPatience = 1000;

/** A client's connection that speaks HTTP/2: each stream is a request. */
export class ClientSession implements Client, Reader {
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly serverName: string | undefined;
  readonly forwarded: string;
  readonly logged: string;
  readonly arrived: Arrived;
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #connection: Http2Connection;
  readonly #streams = new Map<number, ClientStream>();
  #deadline: number;
  #leaveAt = Number.POSITIVE_INFINITY;
  /** Since when the frame that is coming has not come whole, and how many came before it. */
  #stuckSince: number;
  #framesThen = 0;
  #isOver = false;

  constructor(context: ProxyContext, socket: Socket, arrived: Arrived) {
    this.#context = context;
    this.#socket = socket;
    this.arrived = arrived;
    this.port = arrived.port;
    this.scheme = arrived.scheme;
    this.serverName = arrived.serverName;
    this.forwarded = forwardedOf(arrived);
    this.logged = loggedOf(arrived);
    this.#deadline = context.now + context.limits.head;
    this.#stuckSince = context.now;
    this.#connection = new Http2Connection({
      isServer: true,
      socket,
      share: context,
      streamWindow,
      connectionWindow,
      streams: mostStreams,
      opened: (stream, section, isLast) => {
        const opened = new ClientStream(this, context, stream);
        stream.owner = opened;
        this.#streams.set(stream.id, opened);
        opened.begin(section, isLast);
      },
      removed: id => this.#streams.delete(id),
      idleChanged: () => (this.#deadline = context.now + context.limits.idle),
      closed: () => this.#over(),
    });
    context.clients.add(this);
    socket.on('end', () => this.#connection.lost(undefined));
    socket.on('error', () => this.#gone());
    socket.on('close', () => this.#gone());
    if (context.isDraining) this.drain();
  }

  read(bytes: Buffer, length: number): void {
    if (!this.#isOver) this.#connection.read(bytes, length);
  }

  drain(): void {
    if (this.#leaveAt !== Number.POSITIVE_INFINITY) return;
    this.#leaveAt = this.#context.now + warningMilliseconds;
    this.#connection.warn();
  }

  sweep(now: number): void {
    if (this.#isOver) {
      if (now >= this.#deadline) this.#socket.destroy();
      return;
    }
    const { limits, queued } = this.#context;
    for (const stream of this.#streams.values()) stream.sweep(now);
    this.#connection.sweep(now, queued > mostQueued ? shortPatience : limits.clientPause);
    if (now >= this.#leaveAt) this.#connection.leave();
    if (this.#streams.size === 0 && now >= this.#deadline) this.#connection.leave();
    const { frames, isMidFrame } = this.#connection.progress;
    if (!isMidFrame || frames !== this.#framesThen) {
      this.#framesThen = frames;
      this.#stuckSince = now;
    } else if (now - this.#stuckSince > limits.head)
      this.#connection.fail(code.calm, 'a frame comes too slowly');
  }

  /** What was said last goes out; what still comes is read over for a while, so that it is not lost by a reset. */
  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline = this.#context.now + this.#context.limits.linger;
    this.#socket.end();
    this.#socket.resume();
  }

  #gone(): void {
    this.#connection.lost(undefined);
    this.#socket.destroy();
    this.#context.clients.delete(this);
  }
}
