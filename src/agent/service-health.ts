/**
 * Answers the health checks of load balancers in front of the cluster: at a Service's `healthCheckNodePort`, whether this
 * node has ready endpoints of it (core/v1 ServiceSpec.healthCheckNodePort).
 */
import type { Server } from 'node:http';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { http } from '../kube/node-http.ts';

export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Ready endpoints on this node; those that drain do not count. */
  readonly localEndpoints: number;
}

export interface HealthChecksOptions {
  /** Whether Services are in force on this node. */
  readonly isHealthy: () => boolean;
  readonly log: Log;
}

interface Listening {
  readonly port: number;
  readonly server: Server;
}

/** Checkers ask from a few addresses, briefly. */
const mostConnections = 64;
const requestMilliseconds = 5000;

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #checks = new Map<string, HealthCheck>();
  readonly #listening = new Map<string, Listening>();
  /** Services whose ports are being asked for. */
  readonly #opening = new Set<string>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** What is to be told of a Service; undefined for one that is not asked about. */
  async set(service: string, check: HealthCheck | undefined): Promise<void> {
    if (check === undefined) this.#checks.delete(service);
    else this.#checks.set(service, check);
    const listening = this.#listening.get(service);
    if (listening?.port === check?.port) return;
    if (listening !== undefined) {
      this.#listening.delete(service);
      await close(listening.server);
    }
    if (check !== undefined) await this.#listen(service, check.port);
  }

  async close(): Promise<void> {
    this.#checks.clear();
    const servers = [...this.#listening.values()];
    this.#listening.clear();
    await Promise.all(servers.map(({ server }) => close(server)));
  }

  /** Ports that could not be had, because another program had them, are tried again. */
  retry(): void {
    for (const [service, { port }] of this.#checks)
      if (!this.#listening.has(service)) void this.#listen(service, port);
  }

  /** One that is taken is tried again, by `retry` or with the next change of the Service. */
  async #listen(service: string, port: number): Promise<void> {
    if (this.#opening.has(service)) return;
    this.#opening.add(service);
    try {
      await this.#open(service, port);
    } finally {
      this.#opening.delete(service);
    }
  }

  async #open(service: string, port: number): Promise<void> {
    const server = http.createServer({ requestTimeout: requestMilliseconds }, (_, response) => {
      const { status, headers, body } = this.#answer(service);
      response.writeHead(status, headers).end(body);
    });
    server.maxConnections = mostConnections;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, resolve); // both families, or IPv4 where there is no other
      });
      server.on('error', error =>
        this.#options.log.warn({ service, port, reason: sentenceOf(error) }, failed),
      );
      // It may have changed, or gone, while the port was asked for.
      if (this.#checks.get(service)?.port === port) this.#listening.set(service, { port, server });
      else await close(server);
    } catch (error) {
      this.#options.log.warn({ service, port, reason: sentenceOf(error) }, failed);
    }
  }

  #answer(service: string) {
    const check = this.#checks.get(service);
    const localEndpoints = check?.localEndpoints ?? 0;
    const serviceProxyHealthy = this.#options.isHealthy();
    const { namespace, name } = check ?? { namespace: '', name: '' };
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(localEndpoints),
        connection: 'close',
      },
      // Laid out as by kube-proxy, for checkers that look for text.
      body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, null, '\t'),
    };
  }
}

const failed = 'the health check of a Service cannot be answered at its port';

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
