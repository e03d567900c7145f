/** agnhost tcp-reset closes with bytes unread; port-forward-tester sends what the environment asks for. */
import { createServer } from 'node:net';
import { pause } from './duration.ts';
import { fail, listen } from './serving.ts';

/** One byte is read; a client that has sent more sees a reset, any other an ordinary end. */
export function tcpReset(port: number): void {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (bytes: Buffer) => {
      if (bytes.length > 1) socket.resetAndDestroy();
      else socket.destroy();
    });
  });
  listen(server, port, actual => `Started TCP server on port ${actual}`);
}

/** Serves one connection, then ends: with status 1 when the client says something else than it should. */
export function portForwardTester(): void {
  const { BIND_ADDRESS = 'localhost', EXPECTED_CLIENT_DATA = '' } = process.env;
  const [port, chunks, size, interval] = ['BIND_PORT', 'CHUNKS', 'CHUNK_SIZE', 'CHUNK_INTERVAL'].map(name => {
    const text = process.env[name] ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : fail(`${name} is no number: ${text}`);
  }) as [number, number, number, number]; // as many as there are names
  const server = createServer({ allowHalfOpen: true }, socket => {
    server.close();
    console.log('Accepted client connection');
    socket.once('error', error => fail(`the client's connection broke: ${error.message}`));
    let said = '';
    const send = async () => {
      for (let chunk = 0; chunk < chunks; chunk++) {
        socket.write('x'.repeat(size));
        if (chunk + 1 < chunks) await pause(interval);
      }
      socket.end(() => {
        console.log('Done');
        process.exit(0);
      });
    };
    if (EXPECTED_CLIENT_DATA === '') {
      socket.resume();
      void send();
      return;
    }
    socket.setEncoding('utf8').on('data', (text: string) => {
      const before = said.length;
      said = (said + text).slice(0, 1 << 20);
      if (before < EXPECTED_CLIENT_DATA.length && said.length >= EXPECTED_CLIENT_DATA.length) {
        if (said !== EXPECTED_CLIENT_DATA) fail(`expected data ${EXPECTED_CLIENT_DATA}, got ${said}`);
        console.log('Received expected client data');
        void send();
      }
    });
    socket.once('end', () => {
      if (said.length < EXPECTED_CLIENT_DATA.length)
        fail(`expected data ${EXPECTED_CLIENT_DATA}, got ${said}`);
    });
  });
  listen(server, port, () => 'Listening for client connections', BIND_ADDRESS);
}
