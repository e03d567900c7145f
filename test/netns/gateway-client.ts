import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';

/** A client that says octets and keeps what comes. */
export interface Client {
  readonly socket: Socket;
  heard: string;
  isEnded: boolean;
  isClosed: boolean;
  say(text: string): void;
  /** Waits until what came satisfies; fails with what came. */
  until(isEnough: (heard: string) => boolean, what: string): Promise<string>;
  closed(): Promise<void>;
}

const patienceMilliseconds = 20_000;

export function dial(context: TestContext, port: number, host = '127.0.0.1'): Client {
  return talk(context, connect({ port, host, allowHalfOpen: true }));
}

export function dialTls(context: TestContext, port: number, serverName: string): Client {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
  return talk(context, connectTls({ ...options, ...(serverName === '' ? {} : { servername: serverName }) }));
}

function talk(context: TestContext, socket: Socket): Client {
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  const client: Client = {
    socket,
    heard: '',
    isEnded: false,
    isClosed: false,
    say: text => void socket.write(text, 'latin1'),
    until: (isEnough, what) =>
      waitFor(
        waiting,
        () => isEnough(client.heard),
        () => `${what}; came: ${JSON.stringify(client.heard.slice(0, 2000))}`,
      ).then(() => client.heard),
    closed: () =>
      waitFor(
        waiting,
        () => client.isClosed || client.isEnded,
        () => 'the connection ends',
      ),
  };
  socket.on('data', chunk => {
    client.heard += chunk.toString('latin1');
    wake();
  });
  socket.on('end', () => {
    client.isEnded = true;
    wake();
  });
  socket.on('error', wake);
  socket.on('close', () => {
    client.isClosed = true;
    wake();
  });
  context.after(() => socket.destroy());
  return client;
}

function waitFor(waiting: Set<() => void>, isDone: () => boolean, what: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!isDone()) return;
      clearTimeout(timer);
      waiting.delete(look);
      resolve();
    };
    const timer = setTimeout(() => {
      waiting.delete(look);
      reject(new assert.AssertionError({ message: `not in ${patienceMilliseconds} ms: ${what()}` }));
    }, patienceMilliseconds);
    waiting.add(look);
    look();
  });
}

/** A condition that nothing tells of: looked at often, for a bounded time. */
export async function eventually(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + patienceMilliseconds;
  while (!(await isTrue())) {
    assert.ok(performance.now() < end, `not in ${patienceMilliseconds} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** Writes the same piece again and again, as fast as it is taken, until so many bytes are written; tells how many were. */
export function pour(socket: Socket, piece: Buffer, bytes: number): () => number {
  let written = 0;
  const more = () => {
    while (written < bytes) {
      written += piece.length;
      if (!socket.write(piece)) return;
    }
    socket.off('drain', more);
  };
  socket.on('drain', more);
  more();
  return () => written;
}

/** Waits until a value has not changed for half a second; `false` is none yet. */
export async function standsStill(value: () => unknown): Promise<void> {
  let before: unknown;
  await eventually(async () => {
    const isStill = value() !== false && value() === before;
    before = value();
    await new Promise(resolve => setTimeout(resolve, 500));
    return isStill;
  }, 'it stands still');
}
