import { applyChange, emptyTable } from '../../compile-delta.ts';
import { indexTable } from '../../lookup/index.ts';
import type { RouteTable } from '../../table.ts';
import { AccessLog } from '../access-log.ts';
import { Blocks } from '../blocks.ts';
import type { ProxyContext } from '../context.ts';
import { Backends } from '../endpoints.ts';
import type { FromWorker, ToWorker } from '../messages.ts';
import { LogLines } from '../log-lines.ts';
import { ReadBuffer } from '../reading-socket.ts';
import { RequestIds } from '../request-id.ts';
import { Hostnames } from '../route-request.ts';
import { RulePlans } from '../rule-plan.ts';
import { defaultLimits, type ProxyLimits } from '../timing.ts';
import { UpstreamPool } from '../upstream-pool.ts';
import { Certificates } from './certificates.ts';
import { Ports } from './ports.ts';

export interface WorkerOptions {
  readonly ticketKeys: Buffer;
  /** Where the access log goes. */
  readonly logDescriptor: number;
  readonly limits?: Partial<ProxyLimits>;
  readonly tell: (message: FromWorker) => void;
}

const sweepMilliseconds = 250;
const drainPollMilliseconds = 50;

/**
 * One worker: the connections of its sockets, by the table in force. A new table holds for every request whose head comes
 * after it; what is under way ends as it began.
 */
export class Worker {
  readonly #context: ProxyContext;
  readonly #certificates: Certificates;
  readonly #ports: Ports;
  readonly #tell: (message: FromWorker) => void;
  readonly #timer: NodeJS.Timeout;
  #table: RouteTable = emptyTable;

  constructor(options: WorkerOptions) {
    this.#tell = options.tell;
    this.#context = {
      index: indexTable(emptyTable),
      now: performance.now(),
      isDraining: false,
      backends: new Backends(Math.random),
      plans: new RulePlans(),
      pool: new UpstreamPool(),
      limits: { ...defaultLimits, ...options.limits },
      log: new AccessLog(new LogLines(options.logDescriptor)),
      readBuffer: new ReadBuffer(),
      blocks: new Blocks(),
      requestIds: new RequestIds(),
      hostnames: new Hostnames(),
      clients: new Set(),
      random: Math.random,
    };
    this.#certificates = new Certificates(options.ticketKeys, (certificate, reason) =>
      this.#tell({ type: 'problem', sentence: `the certificate ${certificate} cannot be used: ${reason}` }),
    );
    this.#ports = new Ports(this.#context, this.#certificates);
    this.#timer = setInterval(() => this.#sweep(), sweepMilliseconds);
  }

  handle(message: ToWorker, handle: unknown): void {
    switch (message.type) {
      case 'table':
        this.#apply(message.table, message.revision);
        return;
      case 'change':
        this.#apply(applyChange(this.#table, message.change), message.revision);
        return;
      case 'listen':
        this.#ports.listen(message.port, handle, () => this.#tell({ type: 'listening', port: message.port }));
        return;
      case 'close':
        this.#ports.close(message.port);
        return;
      case 'ping': {
        const { clients, pool } = this.#context;
        const status = { clients: clients.size, upstreams: pool.open, idleUpstreams: pool.idle };
        this.#tell({ type: 'pong', status });
        return;
      }
      case 'start':
      case 'stop':
        // The process's own.
        return;
    }
  }

  /** Resolves when nothing is under way any more, or when there is no more time. */
  async stop(milliseconds: number): Promise<void> {
    this.#context.isDraining = true;
    this.#ports.closeAll();
    const end = performance.now() + milliseconds;
    for (const client of this.#context.clients) client.drain();
    while (this.#context.clients.size + this.#ports.handshakes > 0 && performance.now() < end)
      await new Promise(resolve => setTimeout(resolve, drainPollMilliseconds));
    clearInterval(this.#timer);
    await this.#context.log.close();
  }

  #apply(table: RouteTable, revision: number): void {
    const context = this.#context;
    const index = indexTable(table, context.index);
    const gone = context.backends.follow(table.backends);
    this.#certificates.follow(table.certificates);
    context.index = index;
    this.#table = table;
    for (const endpoint of gone) context.pool.closeIdle(endpoint);
    this.#tell({ type: 'applied', revision });
  }

  #sweep(): void {
    const context = this.#context;
    const now = performance.now();
    context.now = now;
    for (const client of context.clients) client.sweep(now);
    this.#ports.sweep(now);
    for (const endpoint of context.backends.endpoints) context.pool.sweep(endpoint, context);
  }
}
