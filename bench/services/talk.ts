/**
 * `node talk.ts HOST PORT`: a UDP client as many are: one connected socket, a question every five milliseconds; after an
 * error it opens another socket. A line for each answerer that is not the one before.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';

export const questionMilliseconds = 5;

if (import.meta.main) {
  const [host = '', port = ''] = process.argv.slice(2);
  let socket: Socket | undefined;
  let last = '';
  const open = () => {
    socket?.removeAllListeners().on('error', () => undefined);
    socket?.close();
    const fresh = createSocket('udp4');
    socket = fresh;
    fresh.on('error', open);
    fresh.on('message', message => {
      const said = message.toString();
      if (said === last) return;
      last = said;
      process.stdout.write(`${said}\n`);
    });
    fresh.connect(Number(port), host);
  };
  open();
  setInterval(() => {
    try {
      socket?.send('?', () => undefined);
    } catch {
      // It is not connected yet.
    }
  }, questionMilliseconds);
}
