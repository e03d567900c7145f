import { FairleadError } from '../../base/errors.ts';
import { metricsContentType } from '../../base/metrics.ts';
import type { Metrics } from '../../base/metrics.ts';
import { http } from '../../kube/node-http.ts';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Undefined: ready; else why not. */
  readonly waitingFor: () => string | undefined;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `GET /metrics`, `/health` (200 while the process works) and `/ready` (503 with the reason while it is not). */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = http.createServer((request, response) => {
    request.resume();
    const path = request.url?.split('?')[0];
    const answer = (code: number, type: string, body: string) =>
      void response.writeHead(code, { 'content-type': type }).end(body);
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'text/plain', 'GET alone\n');
    else if (path === '/metrics') answer(200, metricsContentType, options.metrics.text());
    else if (path === '/health') answer(200, 'text/plain', 'OK');
    else if (path === '/ready') {
      const reason = options.waitingFor();
      answer(reason === undefined ? 200 : 503, 'text/plain', reason ?? 'OK');
    } else answer(404, 'text/plain', 'not found\n');
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      const sentence = `${options.host} port ${options.port} cannot be listened on`;
      reject(new FairleadError('dns/listen', sentence, { hint: 'Look who has the port: ss -ltnp', cause }));
    });
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
