import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A backend that speaks what a test lets it say, octet by octet. */
export interface Backend {
  readonly port: number;
  /** All that came, by connection in the order of their arrival. */
  readonly heard: string[];
  readonly sockets: Socket[];
  readonly server: Server;
}

/** `speak` is called for each piece that comes, with all that the connection has said so far. */
export async function startBackend(
  context: TestContext,
  speak: (socket: Socket, heard: string, connection: number) => void,
): Promise<Backend> {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    const connection = sockets.push(socket) - 1;
    heard[connection] = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => {
      heard[connection] += chunk.toString('latin1');
      speak(socket, heard[connection] ?? '', connection);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, heard, sockets, server };
}

/** Answers every request without a body at once, as often as they come. */
export function startPlainBackend(
  context: TestContext,
  body: string,
  ...fields: readonly string[]
): Promise<Backend> {
  const answered = new Map<number, number>();
  return startBackend(context, (socket, heard, connection) => {
    const whole = heard.split('\r\n\r\n').length - 1;
    for (let done = answered.get(connection) ?? 0; done < whole; done++)
      socket.write(answer(body, ...fields));
    answered.set(connection, whole);
  });
}

export const answer = (body: string, ...fields: readonly string[]): string =>
  [`HTTP/1.1 200 OK`, `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n');
