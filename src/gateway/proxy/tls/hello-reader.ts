import type { Socket } from 'node:net';
import type { Client, ProxyContext } from '../context.ts';
import { longestHello, readClientHello } from './client-hello.ts';

/**
 * Waits for a client's ClientHello, and gives the connection on with all of its octets still to be read: `take` is called
 * once; where what comes is no hello, or comes too late, the connection ends.
 */
export function awaitHello(context: ProxyContext, socket: Socket, take: (serverName: string) => void): void {
  new HelloReader(context, socket, take).start();
}

class HelloReader implements Client {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #deadline: number;
  readonly #take: (serverName: string) => void;
  #held = Buffer.alloc(0);
  #isDone = false;

  constructor(context: ProxyContext, socket: Socket, take: (serverName: string) => void) {
    this.#context = context;
    this.#socket = socket;
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
    const hello = readClientHello(this.#held);
    if (hello.type === 'more' && this.#held.length <= longestHello) return;
    this.#isDone = true;
    this.#socket.off('data', this.#read);
    if (hello.type !== 'hello') {
      this.drain();
      return;
    }
    for (const event of ['error', 'end', 'close'] as const) this.#socket.off(event, this.#gone);
    this.#socket.pause();
    this.#socket.unshift(this.#held);
    this.#context.clients.delete(this);
    this.#take(hello.name);
  };
}
