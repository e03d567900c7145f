import type { Socket } from 'node:net';
import type { Arrived } from './arrived.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientSession } from './client-session.ts';
import type { Client, ProxyContext } from './context.ts';
import type { RequestHead } from './http1/request-head.ts';
import { preface } from './http2/frames.ts';
import type { Reader } from './reading-socket.ts';

/** `PRI`: a method that is HTTP/2's alone (RFC 9113 section 11.6). */
const enough = 3;

/** A connection in clear: its first octets say whether it is one of HTTP/2 (by prior knowledge) or of HTTP/1. */
export class FirstOctets implements Client, Reader {
  readonly #context: ProxyContext;
  readonly #head: RequestHead;
  readonly #arrived: Arrived;
  readonly #deadline: number;
  #socket: Socket | undefined;
  #held = Buffer.alloc(0);
  #reader: Reader | undefined;

  constructor(context: ProxyContext, head: RequestHead, arrived: Arrived) {
    this.#context = context;
    this.#head = head;
    this.#arrived = arrived;
    this.#deadline = context.now + context.limits.head;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    this.#context.clients.add(this);
    for (const event of ['end', 'error', 'close'] as const)
      socket.on(event, () => {
        if (this.#reader === undefined) this.drain();
      });
  }

  read(bytes: Buffer, length: number): void {
    if (this.#reader === undefined) this.#look(bytes, length);
    else this.#reader.read(bytes, length);
  }

  sweep(now: number): void {
    if (now >= this.#deadline) this.drain();
  }

  drain(): void {
    this.#context.clients.delete(this);
    this.#socket?.destroy();
  }

  #look(bytes: Buffer, length: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes.subarray(0, length)]);
    const size = this.#held.length + length;
    const seen = Math.min(size, enough);
    const isPreface = preface.compare(all, 0, seen, 0, seen) === 0;
    if (isPreface && size < enough) {
      this.#held = Buffer.from(all.subarray(0, size));
      return;
    }
    this.#held = Buffer.alloc(0);
    if (isPreface) this.#reader = new ClientSession(this.#context, socket, this.#arrived);
    else {
      const client = new ClientConnection(this.#context, this.#head, this.#arrived);
      client.attach(socket);
      this.#reader = client;
    }
    this.#context.clients.delete(this);
    this.#reader.read(all, size);
  }
}
