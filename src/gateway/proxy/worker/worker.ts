import { sentenceOf } from '../../../base/errors.ts';
import { LiveTable } from '../../lookup/index.ts';
import type { RouteTable, TableChange } from '../../table.ts';
import { AccessLog } from '../access-log.ts';
import { Blocks } from '../blocks.ts';
import type { ProxyContext } from '../context.ts';
import { Backends, type Endpoint } from '../endpoints.ts';
import { FigureCounter } from '../figures.ts';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { FieldSection } from '../http2/field-section.ts';
import { HeaderEncoder } from '../http2/header-encoder.ts';
import type { FromWorker, ToWorker } from '../messages.ts';
import { LogLines } from '../log-lines.ts';
import { ReadBuffer } from '../reading-socket.ts';
import { RequestIds } from '../request-id.ts';
import { Hostnames } from '../route-request.ts';
import { RulePlans } from '../rule-plan.ts';
import { SessionSeal } from '../session-seal.ts';
import { defaultLimits, type ProxyLimits } from '../timing.ts';
import { UpstreamPool } from '../upstream-pool.ts';
import { Certificates } from './certificates.ts';
import { Ports } from './ports.ts';

export interface WorkerOptions {
  readonly ticketKeys: Buffer;
  /** 32 octets, the same for all proxies of a Gateway. */
  readonly sessionKey: Buffer;
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

  constructor(options: WorkerOptions) {
    this.#tell = options.tell;
    this.#certificates = new Certificates(options.ticketKeys, (certificate, reason) =>
      this.#tell({ type: 'problem', sentence: `the certificate ${certificate} cannot be used: ${reason}` }),
    );
    this.#context = {
      certificateOf: id => this.#certificates.get(id),
      index: new LiveTable(),
      now: performance.now(),
      isDraining: false,
      backends: new Backends(Math.random),
      plans: new RulePlans(),
      pool: new UpstreamPool(),
      limits: { ...defaultLimits, ...options.limits },
      log: new AccessLog(new LogLines(options.logDescriptor)),
      figures: new FigureCounter(),
      readBuffer: new ReadBuffer(),
      blocks: new Blocks(),
      requestIds: new RequestIds(),
      hostnames: new Hostnames(),
      clients: new Set(),
      http2Head: new RequestHead(),
      http2Answer: new ResponseHead(),
      section: new FieldSection(),
      encoder: new HeaderEncoder(),
      queued: 0,
      keptOctets: { kept: 0 },
      sessions: new SessionSeal(options.sessionKey),
      random: Math.random,
      wallClock: Date.now,
    };
    this.#ports = new Ports(this.#context, this.#certificates);
    this.#timer = setInterval(() => this.#sweep(), sweepMilliseconds);
  }

  handle(message: ToWorker, handle: unknown): void {
    switch (message.type) {
      case 'table':
        this.#apply(message.revision, () => this.#replace(message.table));
        return;
      case 'change':
        this.#apply(message.revision, () => this.#change(message.change));
        return;
      case 'listen':
        this.#ports.listen(message.port, handle, () => this.#tell({ type: 'listening', port: message.port }));
        return;
      case 'close':
        this.#ports.close(message.port);
        return;
      case 'tickets':
        this.#certificates.renewTickets(Buffer.from(message.ticketKeys, 'base64'));
        return;
      case 'count':
        this.#tell({ type: 'figures', figures: this.#context.figures.take() });
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

  /** A table that makes us throw would do so to every successor as well: the supervisor takes it back. */
  #apply(revision: number, change: () => void): void {
    try {
      change();
    } catch (error) {
      this.#tell({ type: 'unusable', revision, reason: sentenceOf(error) });
      return;
    }
    this.#tell({ type: 'applied', revision });
  }

  #replace(table: RouteTable): void {
    const { index, backends } = this.#context;
    this.#certificates.replace(table.certificates);
    index.replace(table);
    this.#leave(backends.replace(table.backends));
  }

  #change(change: TableChange): void {
    const { put, remove } = change;
    const { index, backends } = this.#context;
    this.#certificates.change(put.certificates ?? {}, remove.certificates ?? []);
    index.change(change);
    this.#leave(backends.change(put.backends ?? {}, remove.backends ?? []));
  }

  /** What is under way there ends on its own. */
  #leave(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) this.#context.pool.closeIdle(endpoint);
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
