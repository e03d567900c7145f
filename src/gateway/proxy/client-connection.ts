import type { Socket } from 'node:net';
import type { Why } from './access-log.ts';
import { type Arrived, forwardedOf, loggedOf } from './arrived.ts';
import type { Client, ProxyContext } from './context.ts';
import { Exchange } from './exchange.ts';
import type { FieldLines } from './http1/fields.ts';
import { limits as headLimits } from './http1/limits.ts';
import { problemOf } from './http1/problems.ts';
import { RequestBody } from './http1/request-body.ts';
import { readRequestHead, type RequestHead } from './http1/request-head.ts';
import type { Reader } from './reading-socket.ts';
import { routeRequest } from './route-request.ts';
import { ownText, type OwnResponse } from './own-response.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { HeaderChange } from './rule-plan.ts';
import type { ExchangeClient, Responding } from './sides.ts';
import { isFull, writeChunk, writeText, writeTextAndBytes } from './write-octets.ts';
import { type ClientFraming, framingOf, writeResponseHead } from './write-response.ts';
import { writeTrailers } from './write-trailers.ts';

/**
 * head: the next request is waited for or read; body: its body; answer: all of it is here, the answer is not; linger: the
 * last answer is given, and what still comes is read over until the client has taken it.
 */
type Phase = 'head' | 'body' | 'answer' | 'tunnel' | 'linger' | 'closed';

/** A body that came whole with its head, and is as short as this, goes on in one write with it. */
const shortBody = 16 * 1024;
const lineFeed = 0x0a;

/**
 * A client's connection: reads requests one after the other, and gives each to an exchange. What comes while an answer is
 * under way waits in the kernel, but for what has been read already.
 */
export class ClientConnection implements Client, Reader, ExchangeClient {
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly serverName: string | undefined;
  /** What backends are told of it. */
  readonly forwarded: string;
  /** What the log says of it. */
  readonly logged: string;
  readonly arrived: Arrived;
  readonly #context: ProxyContext;
  readonly #head: RequestHead;
  #socket: Socket | undefined;
  #phase: Phase = 'head';
  #exchange: Exchange | undefined;
  #held: Buffer | undefined;
  #isConsuming = false;
  /** Some of a head is here: what comes does not buy it more time. */
  #isHeadBegun = false;
  /** While the phase is 'body'. */
  #body: RequestBody | undefined;
  #deadline: number;
  #bodySince = 0;
  /** Of the request under way. */
  #minor = 1;
  #wantsClose = false;
  #framing: ClientFraming | undefined;

  constructor(context: ProxyContext, head: RequestHead, arrived: Arrived) {
    this.#context = context;
    this.#head = head;
    this.arrived = arrived;
    this.port = arrived.port;
    this.scheme = arrived.scheme;
    this.serverName = arrived.serverName;
    this.forwarded = forwardedOf(arrived);
    this.logged = loggedOf(arrived);
    this.#deadline = context.now + context.limits.head;
  }

  get socket(): Socket {
    if (this.#socket === undefined) throw new Error('the connection has no socket yet');
    return this.#socket;
  }

  get protocol(): 'HTTP/1.0' | 'HTTP/1.1' {
    return this.#minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
  }

  get isFull(): boolean {
    return this.#socket !== undefined && isFull(this.#socket);
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    this.#context.clients.add(this);
    socket.on('end', () => this.#ended());
    socket.on('error', () => this.#gone());
    socket.on('close', () => this.#gone());
    socket.on('drain', () => this.#drained());
  }

  read(bytes: Buffer, length: number): void {
    if (this.#held === undefined) this.#consume(bytes, 0, length);
    else if (this.#phase === 'head' && !bytes.subarray(0, length).includes(lineFeed)) {
      // A line that does not end yet changes nothing of what was found in those before it.
      this.#hold(bytes, 0, length);
      if (this.#held.length > headLimits.head) this.#consumeHeld();
    } else {
      this.#hold(bytes, 0, length);
      if (this.#phase === 'answer') this.pause();
      else this.#consumeHeld();
    }
  }

  // What an exchange asks for

  /** The backend has to take something first. */
  pause(): void {
    this.#socket?.pause();
    if (this.#phase === 'body') this.#deadline = this.#context.now + this.#context.limits.upstreamPause;
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** A backend takes the body from now on. */
  wanted(): void {
    this.resume();
    this.heard();
    if (this.#held !== undefined && this.#phase === 'body') this.#consumeHeld();
  }

  /** The backend said something. */
  heard(): void {
    const { now, limits } = this.#context;
    this.#deadline = now + (this.#phase === 'tunnel' ? limits.tunnelIdle : limits.upstreamPause);
  }

  /** The client has to take something first. */
  isTaking(): void {
    this.#deadline = this.#context.now + this.#context.limits.clientPause;
  }

  interim(head: ResponseHead): void {
    if (this.#minor === 0) return;
    const nothing = {
      framing: 'none',
      change: undefined,
      connection: undefined,
      upgrade: undefined,
    } as const;
    writeText(this.socket, writeResponseHead({ head, ...nothing }));
  }

  respond({ head, length, hasNoBody, change, bytes, start, end, mustClose }: Responding): void {
    const framing = framingOf(length, hasNoBody, this.#minor);
    this.#framing = framing;
    if (mustClose || framing === 'close') this.#wantsClose = true;
    const connection = this.#said();
    const text = writeResponseHead({ head, framing, change, connection, upgrade: undefined });
    const { socket } = this;
    const { blocks } = this.#context;
    if (framing === 'chunked' && end > start) {
      writeTextAndBytes(socket, blocks, `${text}${(end - start).toString(16)}\r\n`, bytes, start, end);
      writeText(socket, '\r\n');
    } else writeTextAndBytes(socket, blocks, text, bytes, start, end);
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.#framing === 'chunked') writeChunk(this.socket, this.#context.blocks, bytes, start, end);
    else this.#context.blocks.write(this.socket, bytes, start, end);
  }

  end(trailers: FieldLines | undefined): void {
    if (this.#framing === 'chunked') writeText(this.socket, `0\r\n${writeTrailers(trailers)}\r\n`);
  }

  own(response: OwnResponse): void {
    if (response.mustClose) this.#wantsClose = true;
    writeText(this.socket, ownText(response, this.#said()));
  }

  becomeTunnel(head: ResponseHead, change: HeaderChange | undefined, upgrade: string): void {
    const parts = { head, framing: 'none', change, connection: 'upgrade', upgrade } as const;
    writeText(this.socket, writeResponseHead(parts));
    this.#phase = 'tunnel';
    this.#deadline = this.#context.now + this.#context.limits.tunnelIdle;
    this.resume();
    if (this.#held !== undefined) this.#consumeHeld();
  }

  tunnelData(bytes: Buffer, start: number, end: number): void {
    this.#context.blocks.write(this.socket, bytes, start, end);
  }

  tunnelEnd(): void {
    this.socket.end();
  }

  /** The exchange is over, and its answer written. */
  answered(mustClose: boolean): void {
    this.#exchange = undefined;
    if (this.#phase === 'closed') return;
    if (mustClose || this.#wantsClose) {
      this.#linger();
      return;
    }
    this.#phase = 'head';
    this.#deadline = this.#context.now + this.#context.limits.idle;
    this.resume();
    if (this.#held !== undefined && !this.#isConsuming) this.#consumeHeld();
  }

  abort(): void {
    if (this.#framing === 'close') this.socket.resetAndDestroy();
    this.destroy();
  }

  destroy(): void {
    this.#socket?.destroy();
    this.#gone();
  }

  /** Ends a connection that waits for a request; others end with their answer. */
  drain(): void {
    if (this.#phase === 'head' && this.#held === undefined) this.#linger();
  }

  /** Looks at the time limits. */
  sweep(now: number): void {
    if (this.#phase === 'body' && this.#isSlow(now)) {
      this.#exchange?.clientSlow();
      return;
    }
    if (now < this.#deadline) return;
    switch (this.#phase) {
      case 'head':
        if (this.#held === undefined) this.#linger();
        else this.#refuse(408, 'the request did not come in time', 'client-slow');
        return;
      case 'body':
        if (this.#isWaitingForUs()) this.#exchange?.timeOut('the backend took nothing for too long');
        else this.#exchange?.clientSlow();
        return;
      case 'answer':
        this.#exchange?.timeOut('nothing moved for too long');
        return;
      case 'tunnel':
      case 'linger':
      case 'closed':
        this.#exchange?.clientGone('timeout');
        this.destroy();
    }
  }

  #consumeHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#consume(held, 0, held.length);
  }

  #consume(bytes: Buffer, start: number, end: number): void {
    this.#isConsuming = true;
    let at = start;
    while (at < end) {
      const next = this.#step(bytes, at, end);
      if (next < 0) break;
      at = next;
    }
    this.#isConsuming = false;
  }

  /** Returns where it stopped, or -1 where nothing more can be done: the rest is held. */
  #step(bytes: Buffer, at: number, end: number): number {
    switch (this.#phase) {
      case 'head':
        if (this.#socket !== undefined && isFull(this.#socket)) break;
        return this.#readHead(bytes, at, end);
      case 'body':
        if (this.#exchange?.isSending === false) break;
        return this.#readBody(bytes, at, end);
      case 'tunnel':
        this.#deadline = this.#context.now + this.#context.limits.tunnelIdle;
        this.#exchange?.tunnelFromClient(bytes, at, end);
        return end;
      case 'answer':
        break;
      case 'linger':
      case 'closed':
        return end;
    }
    this.pause();
    this.#hold(bytes, at, end);
    return -1;
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    const head = this.#head;
    const bodyStart = readRequestHead(bytes, start, end, head);
    if (bodyStart === 0) {
      if (!this.#isHeadBegun) this.#deadline = this.#context.now + this.#context.limits.head;
      this.#isHeadBegun = true;
      this.#hold(bytes, start, end);
      return -1;
    }
    if (bodyStart < 0) {
      const { status, sentence } = problemOf(bodyStart);
      this.#refuse(status, sentence, 'bad-request');
      return end;
    }
    this.#isHeadBegun = false;
    this.#deadline = this.#context.now + this.#context.limits.upstreamPause;
    const exchange = this.#begin(head);
    const routed = routeRequest(this.#context.index, head, this, this.#context.hostnames);
    if (typeof routed === 'number') {
      const { status, sentence } = problemOf(routed);
      exchange.refuse(status, sentence);
      return bodyStart;
    }
    const { length } = head;
    const isShort = length > 0 && length <= shortBody && end - bodyStart >= length;
    if (isShort) {
      exchange.start(head, routed, bytes.toString('latin1', bodyStart, bodyStart + length));
      return bodyStart + length;
    }
    if (length !== 0) {
      this.#phase = 'body';
      this.#body = new RequestBody(length);
      this.#bodySince = this.#context.now;
      this.#deadline = this.#context.now + this.#context.limits.bodyPause;
    }
    exchange.start(head, routed, undefined);
    return bodyStart;
  }

  #begin(head: RequestHead): Exchange {
    this.#minor = head.minor;
    this.#wantsClose = head.close || (head.minor === 0 && !head.keepAlive);
    this.#framing = undefined;
    const exchange = new Exchange(this, this.#context, head);
    this.#exchange = exchange;
    this.#phase = 'answer';
    return exchange;
  }

  /** What the client is told of the connection after this answer. */
  #said(): string | undefined {
    if (this.#wantsClose) return 'close';
    return this.#minor === 0 ? 'keep-alive' : undefined;
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const exchange = this.#exchange;
    const body = this.#body;
    if (exchange === undefined || body === undefined) return end;
    this.#deadline = this.#context.now + this.#context.limits.bodyPause;
    const stop = body.read(bytes, start, end, (from, first, last) => exchange.requestData(from, first, last));
    if (stop < 0) {
      const { sentence } = problemOf(stop);
      exchange.badBody(sentence);
      return end;
    }
    if (body.isDone) this.#bodyEnded(exchange, body.trailers);
    return stop;
  }

  #bodyEnded(exchange: Exchange, trailers: FieldLines | undefined): void {
    this.#body = undefined;
    if (this.#phase !== 'body') return;
    this.#phase = 'answer';
    this.#deadline = this.#context.now + this.#context.limits.upstreamPause;
    exchange.requestEnd(trailers);
  }

  #refuse(status: number, sentence: string, why: Why): void {
    const head = this.#head;
    head.reset();
    head.method = '';
    head.minor = 1;
    const exchange = this.#begin(head);
    exchange.refuse(status, sentence, why);
  }

  #isSlow(now: number): boolean {
    const { bodyPatience, bodyRate } = this.#context.limits;
    const elapsed = now - this.#bodySince;
    const octets = this.#body?.octets ?? 0;
    return elapsed > bodyPatience && !this.#isWaitingForUs() && octets * 1000 < bodyRate * elapsed;
  }

  #isWaitingForUs(): boolean {
    return this.#exchange?.isSending === false || this.#socket?.isPaused() === true;
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const part = bytes.subarray(start, end);
    this.#held = this.#held === undefined ? Buffer.from(part) : Buffer.concat([this.#held, part]);
  }

  #linger(): void {
    this.#phase = 'linger';
    this.#held = undefined;
    const { now, limits } = this.#context;
    // First the client takes what is written, however slowly; then the time begins in which what it still says is read over.
    this.#deadline = now + limits.clientPause;
    this.#socket?.end(() => {
      this.#deadline = this.#context.now + limits.linger;
    });
    this.resume();
  }

  #drained(): void {
    this.#exchange?.clientDrained();
    if (this.#phase !== 'head' || this.#held === undefined || this.#isConsuming) return;
    this.resume();
    this.#consumeHeld();
  }

  /** Who has no more to say and still waits is taken to be gone, as other gateways take it. */
  #ended(): void {
    if (this.#phase === 'tunnel') this.#exchange?.tunnelEnded('client');
    else if (this.#phase === 'head') this.#linger();
    else if (this.#phase !== 'linger') this.destroy();
  }

  #gone(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#context.clients.delete(this);
    exchange?.clientGone();
  }
}
