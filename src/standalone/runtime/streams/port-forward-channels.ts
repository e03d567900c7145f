import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { PodWorker } from '../pod/pod-worker.ts';
import { ForwardSession } from './forward-session.ts';
import { connectToPort, isPort, refusalOf, stalledSentence } from './port-forward.ts';

const PROTOCOLS = ['v4.channel.k8s.io', 'portforward.k8s.io'];
const LARGEST_MESSAGE = 1 << 20;
const HIGH_WATER = 256 << 10;

/**
 * The older form of port-forward, with ports in the query: port number N of the list has channel 2N for data and 2N+1
 * for errors, and each channel begins with the port in two bytes, little endian. One connection a port. Undefined when
 * the client does not ask for it.
 */
export async function acceptPortForwardChannels(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<WebSocket | undefined> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(each => each.trim());
  const protocol = PROTOCOLS.find(each => offered.includes(each));
  if (protocol === undefined) return undefined;
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: () => protocol,
    maxPayload: LARGEST_MESSAGE,
    perMessageDeflate: false,
  });
  return new Promise(resolve => {
    server.handleUpgrade(request, socket, head, client => resolve(client));
  });
}

export async function servePortForwardChannels(
  client: WebSocket,
  worker: PodWorker,
  ports: readonly number[],
): Promise<void> {
  const send = (channel: number, bytes: Buffer) => {
    if (client.readyState === client.OPEN) client.send(Buffer.concat([Buffer.of(channel), bytes]));
  };
  const session = new ForwardSession({ pause: () => client.pause(), resume: () => client.resume() });
  const targets = ports.map((port, index) =>
    session.open(() => send(2 * index + 1, Buffer.from(stalledSentence(worker, port)))),
  );
  const closed = new Promise<void>(resolve => client.once('close', () => resolve()));
  client.once('close', () => {
    for (const target of targets) target.close();
  });
  client.on('error', () => client.terminate());
  client.on('message', (data: RawData) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    const channel = bytes[0] ?? 1;
    // Odd channels are for errors, which go the other way.
    if (channel % 2 === 0) targets[channel / 2]?.write(bytes.subarray(1));
  });
  for (const [index, port] of ports.entries()) {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    send(2 * index, number);
    send(2 * index + 1, number);
  }
  await Promise.all(
    ports.map(async (port, index) => {
      const target = targets[index];
      if (target === undefined) return;
      try {
        const socket = await connectToPort(worker, port);
        target.connect(socket);
        for await (const bytes of socket) {
          send(2 * index, bytes as Buffer);
          while (client.bufferedAmount > HIGH_WATER && client.readyState === client.OPEN)
            await new Promise(resolve => setTimeout(resolve, 5));
        }
      } catch (error) {
        if (!target.isConnected) send(2 * index + 1, Buffer.from(refusalOf(worker, port, error)));
      }
      target.close();
    }),
  );
  client.close(1000);
  await closed;
}

/** `ports=80&ports=81`; undefined when one of them is none, or when there are none or too many. */
export function portsIn(query: URLSearchParams): readonly number[] | undefined {
  const ports = query.getAll('ports').flatMap(list => list.split(',').map(Number));
  return ports.length > 0 && ports.length <= 100 && ports.every(isPort) ? ports : undefined;
}
