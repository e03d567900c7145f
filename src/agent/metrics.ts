import type { Server } from 'node:http';
import type { Log } from '../base/log.ts';
import { metricsContentType } from '../base/metrics.ts';
import type { Metrics } from '../base/metrics.ts';
import { http } from '../kube/node-http.ts';
import type { AgentStatus } from './status.ts';

/** The agent's own figures, copied from its status before each scrape. */
export function agentMetrics(metrics: Metrics, status: () => AgentStatus): void {
  const ready = metrics.gauge('fairlead_agent_ready', '1 while pods can be attached.').with();
  const started = metrics.gauge('fairlead_agent_start_time_seconds', 'Unix time of the start.').with();
  const staleness = metrics.gauge(
    'fairlead_agent_cache_staleness_seconds',
    'Seconds since the API server last said anything about these objects.',
    ['objects'],
  );
  metrics.onCollect(() => {
    const now = status();
    ready.set(now.ready ? 1 : 0);
    started.set(Date.parse(now.startedAt) / 1000);
    staleness.clear();
    for (const [objects, seconds] of Object.entries(now.staleness))
      if (seconds !== null) staleness.with(objects).set(seconds);
  });
}

export interface MetricsServer {
  /** Absent: the port could not be had; the figures are on the status socket all the same. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/**
 * `GET /metrics` for scrapers, on all addresses of the node. A port that another program has is reported and costs
 * nothing else.
 */
export async function serveMetrics(metrics: Metrics, port: number, log: Log): Promise<MetricsServer> {
  const server: Server = http.createServer((request, response) => {
    request.resume();
    if (request.method === 'GET' && request.url?.split('?')[0] === '/metrics') {
      response.writeHead(200, { 'content-type': metricsContentType }).end(metrics.text());
    } else {
      response
        .writeHead(404, { 'content-type': 'text/plain' })
        .end('not found; the figures are at /metrics\n');
    }
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  server.maxConnections = 16;
  const opened = await new Promise<boolean>(resolve => {
    server.once('error', error => {
      log.warn({ port, reason: error.message }, 'metrics can be had from the status socket only');
      resolve(false);
    });
    server.listen({ port, host: '::' }, () => resolve(true));
  });
  const address = server.address();
  return {
    port: opened && address !== null && typeof address === 'object' ? address.port : undefined,
    close: () =>
      new Promise(resolve => {
        if (!opened) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
