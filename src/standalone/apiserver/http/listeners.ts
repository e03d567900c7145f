import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { https } from '../../../kube/node-http.ts';
import { FairleadError } from '../../../base/errors.ts';

/** Where to accept connections: an address, or a listening socket that was opened elsewhere (another namespace). */
export type Listener = { readonly host: string; readonly port: number } | { readonly fd: number };

/** PEM: the server's certificate and key, and the authority that client certificates are checked against. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export interface Handlers {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: (request: IncomingMessage, socket: TLSSocket, head: Buffer) => void;
}

/** TLS servers on all listeners; rejects with what to do when an address cannot be had, and leaves none open then. */
export async function listen(
  listeners: readonly Listener[],
  tls: TlsMaterial,
  handlers: Handlers,
): Promise<{ servers: readonly Server[]; addresses: readonly { host: string; port: number }[] }> {
  const servers: Server[] = [];
  try {
    for (const listener of listeners) servers.push(await open(listener, tls, handlers));
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return { servers, addresses: servers.map(addressOf) };
}

/** Per listener; a watcher is a connection. */
const MOST_CONNECTIONS = 8192;

function open(listener: Listener, tls: TlsMaterial, handlers: Handlers): Promise<Server> {
  const server = https.createServer({
    cert: tls.certificate,
    key: tls.key,
    ca: tls.authority,
    // A certificate is asked for but may be missing: health is answered to everyone, all else with 401.
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    // Slow senders: headers within 20 s, a whole request within 60 s; answers may take as long as they like.
    headersTimeout: 20_000,
    requestTimeout: 60_000,
    keepAliveTimeout: 120_000,
    maxHeaderSize: 64 * 1024,
    noDelay: true,
    // Finds peers that are gone without a word, as watchers may be.
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('request', handlers.request);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    // An HTTPS server hands out TLS sockets.
    handlers.upgrade(request, socket as TLSSocket, head),
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', refuse);
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenError(listener, error)));
    server.listen('fd' in listener ? { fd: listener.fd } : { ...listener, backlog: 511 }, () =>
      resolve(server),
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

function addressOf(server: Server): { host: string; port: number } {
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
