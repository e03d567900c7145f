/**
 * The program behind builtin://echo: it answers as the Gateway API's conformance back end does. The environment chooses
 * what it is: an HTTP server by default, or with GRPC_ECHO_SERVER, TCP_ECHO_SERVER or UDP_ECHO_SERVER one of those.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { echo, echoRoutes, isForWebSocket, type EchoOptions } from './echo-http.ts';
import { listen, podContext, portIn } from './serving.ts';

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

const { GRPC_ECHO_SERVER = '', TCP_ECHO_SERVER = '', UDP_ECHO_SERVER = '' } = process.env;
if (GRPC_ECHO_SERVER !== '') (await import('./echo-grpc.ts')).serveGrpcEcho();
else if (TCP_ECHO_SERVER !== '') (await import('./echo-tcp.ts')).serveTcpEcho();
else if (UDP_ECHO_SERVER !== '') (await import('./echo-udp.ts')).serveUdpEcho();
else await serveHttp();

async function serveHttp(): Promise<void> {
  const httpPort = portIn('HTTP_PORT', 3000);
  const options: EchoOptions = { httpPort, context: podContext() };
  const routes = echoRoutes(options);
  const starting = (kind: string) => (port: number) => `Starting server, listening on port ${port} (${kind})`;
  const server = createServer({ shouldUpgradeCallback: isForWebSocket }, routes).on('upgrade', upgrade);
  listen(server, httpPort, starting('http'));

  const { createClearHttp2 } = await import('./clear-http2.ts');
  const clear = createClearHttp2((request, response) => void echo(options, request, response));
  listen(clear, portIn('H2C_PORT', 3001), starting('h2c'));

  const { TLS_SERVER_CERT = '', TLS_SERVER_PRIVKEY = '' } = process.env;
  if (TLS_SERVER_CERT === '' || TLS_SERVER_PRIVKEY === '') return;
  const { createEchoTls } = await import('./echo-tls.ts');
  listen(createEchoTls(routes, upgrade), portIn('HTTPS_PORT', 8443), starting('https'));
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  void import('./websocket.ts').then(({ echoWebSocket }) => echoWebSocket(request, socket, head));
}
