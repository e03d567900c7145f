import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { bindUdpIn, connectIn, listenIn } from '../../src/kernel/ns/index.ts';
import { within } from './pods-cluster.ts';

/** A TCP server in a namespace that says the client's address first and then sends back what it gets. */
export async function echoServer(
  context: TestContext,
  namespace: string,
  host: string,
  port = 0,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.write(`${(socket.remoteAddress ?? '').replace(/^::ffff:/, '')}\n`);
    socket.pipe(socket);
  });
  server.listen({ fd: listenIn(namespace, { host, port }) });
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

/** Connects from a namespace; the address that the server saw. Transfers `bytes` there and back before it answers. */
export async function seenAs(namespace: string, host: string, port: number, bytes = 0): Promise<string> {
  const socket = await connectIn(namespace, { host, port, timeoutMilliseconds: 20_000 });
  try {
    const reader = new Reader(socket);
    const line = await within(20_000, reader.line(), () => `no answer from ${host} port ${port}`);
    if (bytes > 0) {
      socket.write(Buffer.alloc(bytes, 'x'));
      await within(20_000, reader.bytes(bytes), () => `${bytes} bytes did not come back from ${host}`);
    }
    return line;
  } finally {
    socket.destroy();
  }
}

/** Reads a stream by lines and by lengths. */
export class Reader {
  #buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    socket.on('data', chunk => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => this.#wake?.());
  }

  async line(): Promise<string> {
    for (;;) {
      const at = this.#buffer.indexOf(10);
      if (at >= 0)
        return this.#take(at + 1)
          .toString()
          .trimEnd();
      await this.#more();
    }
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.#buffer.length < count) await this.#more();
    return this.#take(count);
  }

  #take(count: number): Buffer {
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }
}

export interface Datagrams {
  readonly port: number;
  readonly socket: DatagramSocket;
}

export async function udpSocket(
  context: TestContext,
  namespace: string,
  host: string,
  port = 0,
): Promise<Datagrams> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  context.after(() => socket.close());
  const listening = once(socket, 'listening'); // told at once for a socket that is bound already
  socket.bind({ fd: bindUdpIn(namespace, { host, port }) });
  await listening;
  return { socket, port: socket.address().port };
}

/** Sends back every datagram. */
export async function udpEcho(context: TestContext, namespace: string, host: string): Promise<number> {
  const { socket, port } = await udpSocket(context, namespace, host);
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  return port;
}
