import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { FairleadError } from '../../base/errors.ts';
import type { LimitsConfig } from '../config/config.ts';
import { FrameReader, frame, limits as wireLimits } from '../wire/index.ts';

/** Resolves with the answers, none for silence. The message may be kept. `client` is the address that it came from. */
export type MessageHandler = (
  message: Buffer,
  client: string,
) => readonly Buffer[] | Promise<readonly Buffer[]>;

/** An address in the process's own network namespace, or a listening socket. */
export type StreamPlace = { readonly host: string; readonly port: number } | { readonly fd: number };

export type StreamServerOptions = StreamPlace & {
  readonly handler: MessageHandler;
  readonly limits: () => LimitsConfig;
};

/** Questions of one connection that wait for others; it is read on when some are answered. */
const mostWaiting = 32;
/** Answers that a client does not fetch; further questions of it wait until it does, or its time is over. */
const mostUnsentBytes = 128 * 1024;

/** DNS over TCP (RFC 7766): questions may follow each other at once, and are answered as answers are ready. */
export interface StreamServer {
  close(): void;
}

export async function startStreamServer(options: StreamServerOptions): Promise<StreamServer> {
  const connections = new Set<Socket>();
  const perClient = new Map<string, number>();
  const server = createServer(socket => {
    const { tcpConnections, tcpConnectionsPerClient } = options.limits();
    const client = socket.remoteAddress ?? '';
    const count = (perClient.get(client) ?? 0) + 1;
    // One client cannot take all the places (RFC 7766 section 6.1).
    if (connections.size >= tcpConnections || count > tcpConnectionsPerClient) {
      socket.destroy();
      return;
    }
    connections.add(socket);
    perClient.set(client, count);
    socket.once('close', () => {
      connections.delete(socket);
      const left = (perClient.get(client) ?? 1) - 1;
      if (left === 0) perClient.delete(client);
      else perClient.set(client, left);
    });
    serve(socket, client, options);
  });
  await listening(server, options);
  return {
    close: () => {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function serve(socket: Socket, client: string, { handler, limits }: StreamServerOptions): void {
  const reader = new FrameReader();
  // Runs on with every octet that is no whole question: else a few octets now and then would hold a place for ever.
  const idle = setTimeout(() => socket.destroy(), limits().tcpIdleSeconds * 1000);
  /** Read, and not begun: what came in one chunk with others. */
  const questions: Buffer[] = [];
  let waiting = 0;
  const reply = (answers: readonly Buffer[]) => {
    for (const answer of answers) {
      if (socket.destroyed) return;
      socket.write(frame(answer));
    }
  };
  const replyLater = async (answers: Promise<readonly Buffer[]>) => {
    waiting++;
    reply(await answers);
    idle.refresh();
    waiting--;
    work();
  };
  const isFull = () => waiting >= mostWaiting || socket.writableLength > mostUnsentBytes;
  function work(): void {
    while (!socket.destroyed && !isFull()) {
      const message = questions.shift();
      if (message === undefined) break;
      // Nobody can tell what follows.
      if (message.length < wireLimits.header) {
        socket.destroy();
        return;
      }
      idle.refresh();
      const answers = handler(message, client);
      if (answers instanceof Promise) void replyLater(answers);
      else reply(answers);
    }
    if (isFull()) socket.pause();
    else socket.resume();
  }
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy()); // the client went away
  socket.once('close', () => clearTimeout(idle));
  socket.on('drain', () => {
    idle.refresh();
    work();
  });
  socket.on('data', chunk => {
    questions.push(...reader.push(chunk));
    work();
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
