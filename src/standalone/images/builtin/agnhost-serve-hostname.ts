/** agnhost serve-hostname: says its name over HTTP, TCP or UDP, and lingers after SIGTERM until it is killed. */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { answerText } from './http-message.ts';
import { fail, formatPeer, listen } from './serving.ts';

const LINGER = 60_000;

export function serveHostname(flags: Readonly<Record<string, string>>, name: string): void {
  const port = Number(flags.port);
  if (flags.tcp === 'true') {
    const server = createServer(socket => {
      console.log(`TCP request from ${formatPeer(socket.remoteAddress, socket.remotePort)}`);
      socket.on('error', () => socket.destroy());
      socket.end(name);
    });
    listen(server, port, actual => `Serving TCP on port ${actual}.`);
  }
  if (flags.udp === 'true') {
    const socket = createSocket({ type: 'udp6', ipv6Only: false });
    socket.on('error', error => fail(`UDP port ${port} cannot be used: ${error.message}`));
    socket.on('message', (_message, from) => {
      console.log(`UDP request from ${formatPeer(from.address, from.port)}`);
      socket.send(name, from.port, from.address, () => undefined); // it may be gone
    });
    socket.bind(port, () => console.log(`Serving UDP on port ${socket.address().port}.`));
  }
  if (flags.http === 'true') {
    const server = createHttpServer((request, response) => {
      console.log(`HTTP request from ${formatPeer(request.socket.remoteAddress, request.socket.remotePort)}`);
      if (flags.close === 'true') response.setHeader('Connection', 'close');
      answerText(response, 200, name);
    });
    listen(server, port, actual => `Serving on port ${actual}.`);
  }
  process.on('SIGTERM', () => {
    console.log('Shutting down after receiving signal: terminated.\nAwaiting pod deletion.');
    setTimeout(() => process.exit(0), LINGER);
  });
}
