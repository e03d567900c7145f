import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { metricsContentType } from '../../../base/metrics.ts';
import { readRequestHead, RequestHead } from '../http1/request-head.ts';

export interface HealthServerOptions {
  readonly port: number;
  readonly isReady: () => boolean;
  readonly status: () => object;
  /** Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** For one connection, from its beginning to its end. */
  readonly patienceMilliseconds?: number;
}

const mostConnections = 64;
const longestHead = 4096;
const defaultPatienceMilliseconds = 5000;

/** `GET /healthz`, `/ready`, `/status` and `/metrics` for kubelets and people: one short request a connection. */
export function startHealthServer(options: HealthServerOptions): Promise<{ close(): void }> {
  const server = createServer(socket => serve(socket, options));
  server.maxConnections = mostConnections;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port, host: '::' }, () => resolve({ close: () => server.close() }));
  });
}

function serve(socket: Socket, options: HealthServerOptions): void {
  let held = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  // Whoever dribbles must not hold one of the few places.
  const patience = setTimeout(
    () => socket.destroy(),
    options.patienceMilliseconds ?? defaultPatienceMilliseconds,
  );
  socket.once('close', () => clearTimeout(patience));
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    const head = new RequestHead();
    const read = readRequestHead(held, 0, held.length, head);
    if (read === 0 && held.length < longestHead) return;
    socket.removeAllListeners('data');
    socket.resume();
    const say = ({ status, body }: Answer, type = 'application/json') => {
      const text = `HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(body)}\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n`;
      socket.end(head.method === 'HEAD' ? text : text + body);
    };
    if (read > 0 && head.method === 'GET' && head.target === '/metrics')
      options.metrics().then(
        body => say({ status: '200 OK', body }, metricsContentType),
        () => socket.destroy(),
      );
    else say(read > 0 ? answer(head, options) : { status: '400 Bad Request', body: '' });
  });
}

interface Answer {
  readonly status: string;
  readonly body: string;
}

function answer(head: RequestHead, { isReady, status }: HealthServerOptions): Answer {
  if (head.method !== 'GET' && head.method !== 'HEAD') return { status: '405 Method Not Allowed', body: '' };
  switch (head.target) {
    case '/healthz':
      return { status: '200 OK', body: '{}\n' };
    case '/ready':
      return isReady()
        ? { status: '200 OK', body: '{"ready":true}\n' }
        : { status: '503 Service Unavailable', body: '{"ready":false}\n' };
    case '/status':
      return { status: '200 OK', body: `${JSON.stringify(status())}\n` };
    default:
      return { status: '404 Not Found', body: '' };
  }
}
