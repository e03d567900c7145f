import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Upstream } from '../config/config.ts';
import { FrameReader, frame } from '../wire/index.ts';
import type { Deadline } from './deadline.ts';

/** A socket to an upstream, for several questions at once. */
export interface Channel {
  readonly isOpen: boolean;
  /** Questions that wait for their answers. */
  readonly waiting: number;
  /** Sent so far. */
  readonly sent: number;
  /** Resolves with an answer that `accepts` takes, or undefined at the deadline or when the socket breaks. */
  ask(message: Buffer, accepts: (answer: Buffer) => boolean, deadline: Deadline): Promise<Buffer | undefined>;
  close(): void;
}

interface Waiting {
  readonly accepts: (answer: Buffer) => boolean;
  readonly end: (answer: Buffer | undefined) => void;
}

/** Connected, so that the kernel takes datagrams from nobody else (RFC 5452 section 9.1). */
export function openDatagrams(upstream: Upstream): Channel {
  const socket = createSocket(isIPv6(upstream.host) ? 'udp6' : 'udp4');
  const connected = Promise.withResolvers<void>();
  connected.promise.catch(() => undefined); // who asks hears of it by `close`
  const channel = new SocketChannel(
    async message => {
      await connected.promise;
      socket.send(message);
    },
    () => {
      socket.removeAllListeners();
      socket.on('error', () => undefined); // what comes after the end is of no use to anybody
      socket.close();
    },
  );
  socket.on('error', () => {
    connected.reject(new Error('the socket broke'));
    channel.close();
  });
  socket.on('message', answer => channel.deliver(answer));
  socket.once('connect', () => connected.resolve());
  socket.connect(upstream.port, upstream.host);
  socket.unref();
  return channel;
}

/** One connection, questions one behind the other (RFC 7766 section 6.2.1.1); it ends when it has been idle. */
export function openStream(upstream: Upstream, idleMilliseconds: number): Channel {
  const socket = connect(upstream.port, upstream.host);
  const reader = new FrameReader();
  const channel = new SocketChannel(
    message => {
      socket.write(frame(message));
      return Promise.resolve();
    },
    () => socket.destroy(),
  );
  socket.setNoDelay(true);
  socket.setTimeout(idleMilliseconds, () => channel.close());
  socket.once('error', () => channel.close());
  socket.once('close', () => channel.close());
  socket.on('data', chunk => {
    for (const answer of reader.push(chunk)) channel.deliver(Buffer.from(answer));
  });
  socket.unref();
  return channel;
}

class SocketChannel implements Channel {
  readonly #send: (message: Buffer) => Promise<void>;
  readonly #shut: () => void;
  readonly #waiting = new Set<Waiting>();
  #isOpen = true;
  #sent = 0;

  constructor(send: (message: Buffer) => Promise<void>, shut: () => void) {
    this.#send = send;
    this.#shut = shut;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get sent(): number {
    return this.#sent;
  }

  ask(
    message: Buffer,
    accepts: (answer: Buffer) => boolean,
    deadline: Deadline,
  ): Promise<Buffer | undefined> {
    return new Promise(resolve => {
      if (!this.#isOpen || deadline.hasEnded) {
        resolve(undefined);
        return;
      }
      const forget = deadline.onEnd(() => waiting.end(undefined));
      const waiting: Waiting = {
        accepts,
        end: answer => {
          forget();
          this.#waiting.delete(waiting);
          resolve(answer);
        },
      };
      this.#waiting.add(waiting);
      this.#sent++;
      this.#send(message).catch(() => waiting.end(undefined));
    });
  }

  deliver(answer: Buffer): void {
    for (const waiting of this.#waiting) {
      if (!waiting.accepts(answer)) continue;
      waiting.end(answer);
      return;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#shut();
    for (const waiting of this.#waiting) waiting.end(undefined);
  }
}
