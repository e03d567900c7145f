/** `node sink.ts PORT…`: takes TCP connections at each port, says which it is, and hangs up when the client does; the same for UDP. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Said once for each port. */
export const listening = 'listening';

if (import.meta.main)
  for (const port of process.argv.slice(2).map(Number)) {
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.end(`${port}\n`);
    });
    const socket = createSocket('udp4');
    socket.on('message', (_, from) => socket.send(String(port), from.port, from.address));
    socket.bind(port);
    server.listen({ port, host: '0.0.0.0', backlog: 4096 }, () => process.stdout.write(`${listening}\n`));
  }
