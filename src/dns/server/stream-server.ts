import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { FairleadError } from '../../base/errors.ts';
import { FrameReader, frame } from '../wire/index.ts';

/** Resolves with the answer, or undefined for silence. The message may be kept. */
export type MessageHandler = (message: Buffer) => Buffer | undefined | Promise<Buffer | undefined>;

/** An address in the process's own network namespace, or a listening socket. */
export type StreamPlace = { readonly host: string; readonly port: number } | { readonly fd: number };

export type StreamServerOptions = StreamPlace & { readonly handler: MessageHandler };

const mostConnections = 256;
/** RFC 7766 section 6.2.3: a few seconds; a client that has more to ask comes back. */
const idleMilliseconds = 10_000;
/** Questions of one connection that wait for others; it is read on when some are answered. */
const mostWaiting = 32;
/** Answers that a client does not fetch; then it is left alone. */
const mostUnsentBytes = 1024 * 1024;

/** DNS over TCP (RFC 7766): questions may follow each other at once, and are answered as answers are ready. */
export interface StreamServer {
  close(): void;
}

export async function startStreamServer(options: StreamServerOptions): Promise<StreamServer> {
  const connections = new Set<Socket>();
  const server = createServer(socket => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    serve(socket, options.handler);
  });
  server.maxConnections = mostConnections;
  await listening(server, options);
  return {
    close: () => {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function serve(socket: Socket, handler: MessageHandler): void {
  const reader = new FrameReader();
  let waiting = 0;
  const reply = (answer: Buffer | undefined) => {
    if (answer === undefined || socket.destroyed) return;
    socket.write(frame(answer));
    if (socket.writableLength > mostUnsentBytes) socket.destroy();
  };
  const replyLater = async (answer: Promise<Buffer | undefined>) => {
    waiting++;
    if (waiting >= mostWaiting) socket.pause();
    reply(await answer);
    waiting--;
    if (waiting < mostWaiting) socket.resume();
  };
  socket.setNoDelay(true);
  socket.setTimeout(idleMilliseconds, () => socket.destroy());
  socket.on('error', () => socket.destroy()); // the client went away
  socket.on('data', chunk => {
    for (const message of reader.push(chunk)) {
      const answer = handler(message);
      if (answer instanceof Promise) void replyLater(answer);
      else reply(answer);
    }
  });
}

function listening(server: Server, place: StreamPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      const where = 'fd' in place ? `descriptor ${place.fd}` : `${place.host} port ${place.port}`;
      const sentence = `DNS cannot listen on ${where} (TCP)`;
      reject(new FairleadError('dns/listen', sentence, { hint: 'Look who has the port: ss -ltnp', cause }));
    });
    server.listen('fd' in place ? { fd: place.fd } : { ...place, ipv6Only: true }, resolve);
  });
}
