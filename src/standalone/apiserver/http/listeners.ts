import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
} from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { FairleadError } from '../../../base/errors.ts';

/** By `require`: see kube/node-http.ts. */
const http2 = createRequire(import.meta.url)('node:http2') as typeof import('node:http2');

/** Where to accept connections: an address, or a listening socket that was opened elsewhere (another namespace). */
export type Listener = { readonly host: string; readonly port: number } | { readonly fd: number };

/** PEM: the server's certificate and key, and the authority that client certificates are checked against. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/** A request and its answer in either version of HTTP. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

export interface Handlers {
  readonly request: (request: AnyRequest, response: AnyResponse) => void;
  readonly upgrade: (request: IncomingMessage, socket: TLSSocket, head: Buffer) => void;
}

/** A server that can be ended with all of its connections. */
export interface ListeningServer {
  address(): { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** TLS servers on all listeners; rejects with what to do when an address cannot be had, and leaves none open then. */
export async function listen(
  listeners: readonly Listener[],
  tls: TlsMaterial,
  handlers: Handlers,
): Promise<{ servers: readonly ListeningServer[]; addresses: readonly { host: string; port: number }[] }> {
  const servers: ListeningServer[] = [];
  try {
    for (const listener of listeners) servers.push(await open(listener, tls, handlers));
  } catch (error) {
    await Promise.all(servers.map(server => server.close()));
    throw error;
  }
  return { servers, addresses: servers.map(server => server.address()) };
}

/** Per listener; a watcher is a connection, or shares one by HTTP/2. */
const MOST_CONNECTIONS = 8192;

/** Requests of one HTTP/2 connection at a time, watches among them, as upstream has it. */
const MOST_STREAMS = 250;

function open(listener: Listener, tls: TlsMaterial, handlers: Handlers): Promise<ListeningServer> {
  const server = http2.createSecureServer({
    // HTTP/2 for those who ask for it by ALPN; connections that are to be switched (exec) speak HTTP/1.1.
    allowHTTP1: true,
    settings: { maxConcurrentStreams: MOST_STREAMS },
    cert: tls.certificate,
    key: tls.key,
    ca: tls.authority,
    // A certificate is asked for but may be missing: health is answered to everyone, all else with 401.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    maxHeaderSize: 64 * 1024,
    noDelay: true,
    // Finds peers that are gone without a word, as watchers may be.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  } as SecureServerOptions);
  // Slow senders: headers within 20 s, a whole request within 60 s; answers may take as long as they like.
  Object.assign(server, { headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 120_000 });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('request', handlers.request);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    // An HTTPS server hands out TLS sockets.
    handlers.upgrade(request, socket as TLSSocket, head),
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', refuse);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Duplex>();
  server.on('session', session => {
    sessions.add(session);
    session.on('error', () => session.destroy());
    session.once('close', () => sessions.delete(session));
  });
  server.on('secureConnection', socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(listener, error)));
    server.listen('fd' in listener ? { fd: listener.fd } : { ...listener, backlog: 511 }, () =>
      resolve({ address: () => addressOf(server), close: () => ended(server, sessions, sockets) }),
    );
  });
}

/** Node's own code for what is no HTTP, or too much or too slow of it, as the status that says so. */
const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = REFUSALS[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

type SecureServerOptions = Parameters<typeof http2.createSecureServer>[0];

function ended(
  server: Http2SecureServer,
  sessions: ReadonlySet<ServerHttp2Session>,
  sockets: ReadonlySet<Duplex>,
): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()));
  for (const session of sessions) session.destroy();
  for (const socket of sockets) socket.destroy();
  return closed;
}

function addressOf(server: Http2SecureServer): { host: string; port: number } {
  const address = server.address() as AddressInfo; // a TCP server that listens has one
  return { host: address.address, port: address.port };
}

function listenError(listener: Listener, cause: Error): FairleadError {
  const where = 'fd' in listener ? `file descriptor ${listener.fd}` : `${listener.host}:${listener.port}`;
  const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return new FairleadError(
    inUse ? 'api/port-in-use' : 'api/cannot-listen',
    inUse ? `The API server's address ${where} is in use` : `The API server cannot listen on ${where}`,
    { hint: 'End the other program, or choose another port.', cause },
  );
}
