/** The echo server's HTTPS port: HTTP/2 and HTTP/1.1 by ALPN, with certificates of the environment. */
import type { IncomingMessage } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { isForWebSocket } from './echo-http.ts';
import type { Handler } from './http-message.ts';
import { clientAuthorities, refuseStrangers, tlsFiles } from './tls-facts.ts';

export function createEchoTls(
  routes: Handler,
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Server {
  const authorities = clientAuthorities();
  const server = createSecureServer(
    { ...tlsFiles('TLS_SERVER_PRIVKEY'), ...authorities, allowHTTP1: true },
    routes,
  );
  if (authorities.requestCert === true) server.on('secureConnection', refuseStrangers);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isForWebSocket(request)) upgrade(request, socket, head);
    else socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.on('sessionError', () => undefined); // a client that breaks the protocol has lost its connection
  return server;
}
