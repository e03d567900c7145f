import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export const PORT_FORWARD = 'portforward.k8s.io';
const TUNNEL = `SPDY/3.1+${PORT_FORWARD}`;
const LARGEST_MESSAGE = 1 << 20;

export function isSpdy(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'spdy/3.1';
}

/** Switches to SPDY/3.1 with the first of `protocols` that the client offers; undefined when it offers none. */
export function acceptSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocols: readonly string[],
): string | undefined {
  const header = request.headers['x-stream-protocol-version'];
  const offered = (Array.isArray(header) ? header : (header ?? '').split(',')).map(each => each.trim());
  const protocol = protocols.find(each => offered.includes(each));
  if (protocol === undefined) return undefined;
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return protocol;
}

/** SPDY inside of WebSocket messages, as newer kubectls forward ports (KEP-4006); undefined when not asked for. */
export async function acceptTunnel(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<Duplex | undefined> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(each => each.trim());
  if (!offered.includes(TUNNEL)) return undefined;
  const { WebSocketServer, createWebSocketStream } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: () => TUNNEL,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: false,
  });
  return new Promise(resolve => {
    server.handleUpgrade(request, socket, head, client => resolve(createWebSocketStream(client)));
  });
}
