/** The echo server's line protocol over TCP and TLS: TEST, IS_TLS, PING. With TCP_MODE=RESET it resets everybody. */
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { listen, podContext, portIn } from './serving.ts';
import { tlsFacts, tlsFiles } from './tls-facts.ts';

const WELCOME = 'Gateway API Test TCP Server\n';
const LONGEST_LINE = 64 << 10;

export function serveTcpEcho(): void {
  const port = portIn('TCP_PORT', 3000);
  const tlsPort = portIn('TLS_PORT', 8443);
  const context = { ...podContext(), tcpport: String(port), tlsport: String(tlsPort) };
  const starting = (protocol: string) => (actual: number) =>
    `Starting server (tcp) protocol=${protocol} port=${actual}`;
  const resets = process.env.TCP_MODE === 'RESET';
  listen(
    createServer(socket => {
      if (resets) socket.resetAndDestroy();
      else converse(socket, { ...context, isTLS: false });
    }),
    port,
    starting('tcp'),
  );
  const files = tlsFiles('TLS_SERVER_PRIV_KEY');
  if (files === undefined) return;
  const server = createTlsServer({ ...files, minVersion: 'TLSv1.2' }, socket => {
    if (resets) socket.destroy();
    else converse(socket, { ...context, isTLS: true, tls: tlsOf(socket) });
  });
  server.on('tlsClientError', () => undefined); // a client that does not speak TLS has lost its connection
  listen(server, tlsPort, starting('tls'));
}

/** Here the version is spelled `TLS 1.3`. */
function tlsOf(socket: TLSSocket): object {
  const { version, serverName, negotiatedProtocol, cipherSuite } = tlsFacts(socket);
  const negotiated = negotiatedProtocol === undefined ? {} : { negotiatedProtocol };
  return { version: version.replace('TLSv', 'TLS '), serverName, ...negotiated, cipherSuite };
}

function converse(socket: Socket, facts: { readonly isTLS: boolean; readonly tls?: object }): void {
  const answers: Readonly<Record<string, string>> = {
    TEST: JSON.stringify(facts),
    IS_TLS: String(facts.isTLS),
    PING: 'PONG',
  };
  let rest = '';
  const take = (line: string) => {
    const asked = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (Object.hasOwn(answers, asked)) socket.write(`${answers[asked] ?? ''}\n`);
  };
  socket.on('error', () => socket.destroy());
  socket.setEncoding('utf8').write(WELCOME);
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
    if (rest.length > LONGEST_LINE) socket.destroy();
  });
  socket.on('end', () => {
    take(rest); // the last line needs no end
    socket.end();
  });
}
