import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { addressWithPort, type Arrived } from '../arrived.ts';
import { ClientConnection } from '../client-connection.ts';
import { ClientSession } from '../client-session.ts';
import type { ProxyContext } from '../context.ts';
import { FirstOctets } from '../first-octets.ts';
import { RequestHead } from '../http1/request-head.ts';
import type { Reader } from '../reading-socket.ts';
import { listenerFor } from '../../lookup/index.ts';
import type { PortIndex } from '../../lookup/index.ts';
import { awaitBeginning, type Beginning } from '../beginning-reader.ts';
import { readProxyHeader, type Source } from '../proxy-protocol.ts';
import { members } from '../access-log.ts';
import { awaitHello } from '../tls/hello-reader.ts';
import { openTunnel } from '../tls/tunnel.ts';
import type { Certificates } from './certificates.ts';

/** The ports on which this worker takes connections; their sockets are the supervisor's. */
export class Ports {
  readonly #context: ProxyContext;
  readonly #certificates: Certificates;
  readonly #servers = new Map<number, Server>();
  /** A head is read and used up in one go: one for all connections. */
  readonly #head = new RequestHead();
  /** Connections whose handshake is under way, with the end of their patience. */
  readonly #handshakes = new Map<Socket, number>();

  constructor(context: ProxyContext, certificates: Certificates) {
    this.#context = context;
    this.#certificates = certificates;
  }

  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** `handle` is a bound socket, as the process channel brings it. */
  listen(port: number, handle: unknown, onListening: () => void): void {
    this.#servers.get(port)?.close();
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, socket =>
      this.#accept(port, socket),
    );
    this.#servers.set(port, server);
    server.listen(handle as object, onListening); // Node: listen(handle) takes what has a handle
  }

  close(port: number): void {
    this.#servers.get(port)?.close();
    this.#servers.delete(port);
  }

  closeAll(): void {
    for (const port of this.#servers.keys()) this.close(port);
  }

  sweep(now: number): void {
    for (const [socket, deadline] of this.#handshakes) if (deadline < now) socket.destroy();
  }

  #accept(port: number, socket: Socket): void {
    const { remoteAddress = '', remotePort = 0 } = socket;
    const listeners = this.#context.index.ports.get(port);
    // The server's own count is of no use: a handle that is taken over is never counted out.
    if (
      listeners === undefined ||
      this.#context.clients.size + this.#handshakes.size >= this.#context.limits.clients
    ) {
      socket.destroy();
      return;
    }
    const arrived = { port, address: plainAddress(remoteAddress), remotePort };
    if (listeners.options?.acceptsProxyProtocol === true)
      awaitBeginning(this.#context, socket, readProxyBeginning, source => {
        const from =
          source === undefined ? {} : { address: plainAddress(source.address), remotePort: source.port };
        this.#serve(listeners, socket, { ...arrived, ...from }, true);
      });
    else this.#serve(listeners, socket, arrived, false);
  }

  /** `isBegun`: some octets have been read, and wait in the socket. */
  #serve(
    listeners: PortIndex,
    socket: Socket,
    arrived: Omit<Arrived, 'scheme' | 'serverName'>,
    isBegun: boolean,
  ): void {
    if (listeners.protocol === 'HTTPS') {
      this.#requests(socket, arrived);
      return;
    }
    if (listeners.protocol === 'TLS') {
      awaitHello(this.#context, socket, serverName => this.#tunnel(socket, arrived, serverName));
      return;
    }
    const connection = new FirstOctets(this.#context, this.#head, {
      ...arrived,
      scheme: 'http',
      serverName: undefined,
    });
    if (isBegun) {
      connection.attach(socket);
      socket.on('data', (bytes: Buffer) => connection.read(bytes, bytes.length));
      socket.resume();
    } else connection.attach(this.#context.readBuffer.adopt(socket, connection));
  }

  #requests(socket: Socket, arrived: Omit<Arrived, 'scheme' | 'serverName'>): void {
    this.#handshake(socket, arrived, ['h2', 'http/1.1'], (secured, whole) => {
      const connection = this.#secured(secured, whole);
      secured.on('data', (bytes: Buffer) => connection.read(bytes, bytes.length));
    });
  }

  /**
   * Modes may differ from name to name of one port (TLSRoute, mixed termination), and some names may be for requests (HTTPS
   * and TLS on one port).
   */
  #tunnel(socket: Socket, arrived: Omit<Arrived, 'scheme' | 'serverName'>, serverName: string): void {
    const context = this.#context;
    const { port, address, remotePort } = arrived;
    const logged = members({ client: addressWithPort(address, remotePort), port, sni: serverName });
    const listener = listenerFor(context.index, port, serverName)?.listener;
    const tunnel = { context, port, serverName, logged, client: { address, port: remotePort } };
    if (listener === undefined || listener.isPassthrough === true) openTunnel({ ...tunnel, socket });
    else if (listener.protocol === 'HTTPS') this.#requests(socket, arrived);
    else
      this.#handshake(socket, arrived, [], secured => {
        secured.pause();
        openTunnel({ ...tunnel, socket: secured });
      });
  }

  #handshake(
    socket: Socket,
    arrived: Omit<Arrived, 'scheme' | 'serverName'>,
    protocols: readonly string[],
    take: (secured: TLSSocket, arrived: Arrived) => void,
  ): void {
    const { port } = arrived;
    const context = this.#context;
    const forNobody = this.#certificates.contextFor(context.index, port, '');
    const mode = context.index.ports.get(port)?.clientValidation?.mode;
    const secured = new TLSSocket(socket, {
      isServer: true,
      requestCert: mode !== undefined,
      rejectUnauthorized: mode === 'AllowValidOnly',
      ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
      secureContext: forNobody ?? this.#certificates.bare(context.index, port),
      SNICallback: (name, done) =>
        done(null, this.#certificates.contextFor(context.index, port, name.toLowerCase())),
    });
    this.#handshakes.set(secured, context.now + context.limits.handshake);
    const failed = () => {
      this.#handshakes.delete(secured);
      secured.destroy();
    };
    secured.once('close', failed);
    secured.on('error', failed);
    secured.once('secure', () => {
      // OpenSSL lets every certificate pass here, and only tells of it.
      if (mode === 'AllowValidOnly' && verifyError(secured) !== null) {
        failed();
        return;
      }
      this.#handshakes.delete(secured);
      secured.off('close', failed);
      secured.off('error', failed);
      const name = (secured as unknown as { servername: string | false | null }).servername;
      const serverName = typeof name === 'string' ? name.toLowerCase() : '';
      take(secured, { ...arrived, scheme: 'https', serverName });
    });
  }

  #secured(socket: TLSSocket, arrived: Arrived): Reader {
    if (socket.alpnProtocol === 'h2') return new ClientSession(this.#context, socket, arrived);
    const connection = new ClientConnection(this.#context, this.#head, arrived);
    connection.attach(socket);
    return connection;
  }
}

/** The client, where the header names one. */
function readProxyBeginning(octets: Buffer): Beginning<Source | undefined> {
  const header = readProxyHeader(octets);
  return header.type === 'header' ? { value: header.source, length: header.length } : header.type;
}

/** Node looks at this for sockets of its own TLS servers alone. */
const verifyError = (socket: TLSSocket): Error | null =>
  (socket as unknown as { readonly ssl: { verifyError(): Error | null } }).ssl.verifyError();

/** A socket of both families has clients of IPv4 as mapped addresses; the zone of a link's is this host's own. */
const plainAddress = (address: string): string =>
  (address.startsWith('::ffff:') ? address.slice(7) : address).replace(/%.*/, '');
