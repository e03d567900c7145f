import type { Socket } from 'node:net';
import type { Client, ProxyContext } from './context.ts';

/** What the first octets of a connection say; `length` of them are used up, the rest is still to be read. */
export type Beginning<Value> = 'more' | 'none' | { readonly value: Value; readonly length: number };

/**
 * Waits for the beginning of a connection, and gives the connection on, paused: `take` is called once; where what comes is
 * none, or comes too late, the connection ends.
 */
export function awaitBeginning<Value>(
  context: ProxyContext,
  socket: Socket,
  read: (octets: Buffer) => Beginning<Value>,
  take: (value: Value) => void,
): void {
  new BeginningReader(context, socket, read, take).start();
}

class BeginningReader<Value> implements Client {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #deadline: number;
  readonly #readBeginning: (octets: Buffer) => Beginning<Value>;
  readonly #take: (value: Value) => void;
  #held = Buffer.alloc(0);
  #isDone = false;

  constructor(
    context: ProxyContext,
    socket: Socket,
    read: (octets: Buffer) => Beginning<Value>,
    take: (value: Value) => void,
  ) {
    this.#context = context;
    this.#socket = socket;
    this.#readBeginning = read;
    this.#take = take;
    this.#deadline = context.now + context.limits.handshake;
  }

  start(): void {
    this.#context.clients.add(this);
    for (const event of ['error', 'end', 'close'] as const) this.#socket.on(event, this.#gone);
    this.#socket.on('data', this.#read);
    this.#socket.resume();
  }

  sweep(now: number): void {
    if (now >= this.#deadline) this.drain();
  }

  drain(): void {
    this.#context.clients.delete(this);
    this.#socket.destroy();
  }

  readonly #gone = () => {
    if (!this.#isDone) this.drain();
  };

  readonly #read = (bytes: Buffer) => {
    this.#held = Buffer.concat([this.#held, bytes]);
    const beginning = this.#readBeginning(this.#held);
    if (beginning === 'more') return;
    this.#isDone = true;
    this.#socket.off('data', this.#read);
    if (beginning === 'none') {
      this.drain();
      return;
    }
    for (const event of ['error', 'end', 'close'] as const) this.#socket.off(event, this.#gone);
    this.#socket.pause();
    const rest = this.#held.subarray(beginning.length);
    if (rest.length > 0) this.#socket.unshift(rest);
    this.#context.clients.delete(this);
    this.#take(beginning.value);
  };
}
