import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { MessageToProxy } from '../../channel.ts';
import { applyChange, emptyTable } from '../../compile-delta.ts';
import type { RouteTable } from '../../table.ts';
import type { ToWorker } from '../messages.ts';
import { ProxyMetrics } from '../metrics.ts';
import { bindPort, type BoundSocket } from './sockets.ts';
import { hasSections, readState, writeState } from './state-file.ts';
import { WorkerSlot } from './worker-slot.ts';

export interface SupervisorOptions {
  readonly workers: number;
  readonly workerProgram: string;
  readonly workerFlags: readonly string[];
  /** Where the last good table is kept; without it, nowhere. */
  readonly stateDirectory: string | undefined;
  /** 32 octets, with which workers seal what clients carry of sessions; the same for all proxies of the Gateway. */
  readonly sessionKey: Buffer;
  /** Ports that listeners cannot have. */
  readonly reservedPorts: readonly number[];
  readonly log: Log;
}

/** Whoever gets hold of the keys reads what was said since they were made (RFC 8446 appendix C.4, RFC 5077 section 5.5). */
const ticketMilliseconds = 12 * 3_600_000;
const newTicketKeys = () => randomBytes(48).toString('base64');
const saveMilliseconds = 200;
const countMilliseconds = 1000;
const retryPortsMilliseconds = 1000;
/** Workers that do not say that they have a table within this time get it anew, or are gone. */
const applyMilliseconds = 10_000;

/**
 * Holds what must outlive a worker: the listening sockets and the table. It reads nothing that clients send.
 *
 * ```
 *   agent ──▶ table ──▶ supervisor ──▶ table, sockets ──▶ worker 0 … N
 *                          └──▶ table.json ──▶ the next start
 * ```
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #metrics = new ProxyMetrics(() => {
    const all = this.#slots.map(slot => slot.status());
    const sum = (value: (status: (typeof all)[number]) => number) =>
      all.reduce((total, status) => total + value(status), 0);
    return {
      clients: sum(({ clients }) => clients),
      upstreams: sum(({ upstreams }) => upstreams),
      restarts: sum(({ restarts }) => restarts),
      ready: this.isReady,
    };
  });
  readonly #slots: readonly WorkerSlot[];
  #ticketKeys = newTicketKeys();
  readonly #renewing: NodeJS.Timeout;
  readonly #file: string | undefined;
  #table: RouteTable = emptyTable;
  /** The last one that all workers answered by. */
  #goodTable: RouteTable = emptyTable;
  #unusable: { readonly revision: number; readonly reason: string } | undefined;
  #revision = 0;
  /** The revision that the sender knows; -1 for a table from the disk. */
  #sendersRevision = -1;
  #hasTable = false;
  #wasReady = false;
  #saving: NodeJS.Timeout | undefined;
  #retrying: NodeJS.Timeout | undefined;
  /** A connection that is replaced may leave one behind that waits beside the next. */
  readonly #waiting = new Set<() => void>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { stateDirectory, workers, log } = options;
    this.#file = stateDirectory === undefined ? undefined : join(stateDirectory, 'table.json');
    const kept =
      this.#file === undefined
        ? undefined
        : readState(this.#file, reason =>
            log.warn({ file: this.#file, reason }, 'the last table cannot be read'),
          );
    if (kept !== undefined) {
      this.#table = kept;
      this.#hasTable = true;
      log.info({ listeners: Object.keys(kept.listeners).length }, 'the last table is served');
    }
    this.#slots = Array.from(
      { length: workers },
      (_, index) =>
        new WorkerSlot({
          index,
          program: options.workerProgram,
          flags: options.workerFlags,
          log,
          introduction: () => this.#introduction(),
          onProgress: () => this.#progress(),
          onUnusable: (revision, reason) => this.#goBack(revision, reason),
          onFigures: figures => this.#metrics.add(figures),
        }),
    );
    this.#followPorts();
    this.#renewing = setInterval(() => this.#renewTickets(), ticketMilliseconds);
  }

  /**
   * At first: all workers answer by the newest table on all ports. Later neither a change on its way nor a worker that is
   * started again takes it back: that would move a load balancer's address away, and cut every connection.
   */
  get isReady(): boolean {
    if (!this.#hasTable || this.#missingPorts().length > 0) return false;
    this.#wasReady ||= this.#slots.every(({ applied }) => applied === this.#revision);
    return this.#wasReady && this.#slots.every(({ isServing }) => isServing);
  }

  /** Prometheus' text format; a worker that does not answer in time is told of as it was seconds ago. */
  async metrics(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>(resolve => (timer = setTimeout(resolve, countMilliseconds)));
    await Promise.race([Promise.all(this.#slots.map(slot => slot.count())), late]);
    clearTimeout(timer);
    return this.#metrics.text();
  }

  status() {
    return {
      revision: this.#sendersRevision,
      ports: [...this.#wantedPorts()],
      hosts: Object.keys(this.#table.hosts).length,
      workers: this.#slots.map(slot => slot.status()),
    };
  }

  /**
   * Resolves when all workers answer by it. Throws `gateway/refused` for a change that does not fit, and for a table that a
   * worker cannot serve by; what was served before is served then.
   */
  async take(message: MessageToProxy): Promise<void> {
    const told = this.#judge(message);
    for (const slot of this.#slots) slot.tell(told);
    // Workers are told first: a large table takes this process longer than them.
    this.#table = told.type === 'table' ? told.table : applyChange(this.#table, told.change);
    this.#sendersRevision = message.revision;
    this.#hasTable = true;
    this.#followPorts();
    const revision = this.#revision;
    await this.#allApplied(revision);
    if (this.#unusable?.revision === revision)
      throw new FairleadError(
        'gateway/refused',
        `a worker cannot serve by the table: ${this.#unusable.reason}`,
      );
  }

  /** Workers finish what is under way; their sockets are closed when they have ended. */
  async stop(milliseconds: number): Promise<void> {
    clearTimeout(this.#retrying);
    clearInterval(this.#renewing);
    await Promise.all(this.#slots.map(slot => slot.stop(milliseconds)));
    if (this.#saving !== undefined) this.#save();
  }

  /** What the workers are told, or why it is refused. */
  #judge(message: MessageToProxy): Extract<ToWorker, { type: 'table' | 'change' }> {
    const revision = this.#revision + 1;
    if (message.type === 'table') {
      if (!hasSections(message.table))
        throw new FairleadError('gateway/refused', 'the table lacks a section');
      this.#revision = revision;
      return { type: 'table', revision, table: message.table };
    }
    if (message.base !== this.#sendersRevision) {
      const sentence = `the change is for revision ${message.base}, here is ${this.#sendersRevision}`;
      throw new FairleadError('gateway/refused', sentence);
    }
    this.#revision = revision;
    return { type: 'change', revision, change: message.change };
  }

  #renewTickets(): void {
    this.#ticketKeys = newTicketKeys();
    for (const slot of this.#slots) slot.tell({ type: 'tickets', ticketKeys: this.#ticketKeys });
  }

  #introduction(): readonly ToWorker[] {
    const { ticketKeys, table, revision } = {
      ticketKeys: this.#ticketKeys,
      table: this.#table,
      revision: this.#revision,
    };
    return [
      { type: 'start', ticketKeys, sessionKey: this.#options.sessionKey.toString('base64') },
      { type: 'table', revision, table },
    ];
  }

  #wantedPorts(): ReadonlySet<number> {
    return new Set(Object.values(this.#table.listeners).map(({ port }) => port));
  }

  #missingPorts(): readonly number[] {
    const open = new Set(this.#slots[0]?.ports);
    return [...this.#wantedPorts()].filter(
      port => !open.has(port) && !this.#options.reservedPorts.includes(port),
    );
  }

  /** One socket for each worker and port; a port that cannot be had is tried again, and the others are served. */
  #followPorts(): void {
    clearTimeout(this.#retrying);
    const wanted = this.#wantedPorts();
    for (const slot of this.#slots) for (const port of slot.ports) if (!wanted.has(port)) slot.close(port);
    for (const port of this.#missingPorts()) this.#openPort(port);
    if (this.#missingPorts().length > 0)
      this.#retrying = setTimeout(() => this.#followPorts(), retryPortsMilliseconds);
  }

  #openPort(port: number): void {
    const sockets: BoundSocket[] = [];
    try {
      for (const _ of this.#slots) sockets.push(bindPort(port));
      for (const [index, slot] of this.#slots.entries()) {
        const socket = sockets[index];
        if (socket !== undefined) slot.open(port, socket);
      }
    } catch (error) {
      for (const socket of sockets) socket.close();
      this.#options.log.error({ port, error: sentenceOf(error) }, 'a listener’s port cannot be opened');
    }
  }

  #progress(): void {
    const isGood =
      this.#slots.some(({ applied }) => applied === this.#revision) &&
      this.#slots.every(({ applied, isAlive }) => !isAlive || applied === this.#revision);
    if (isGood && this.#goodTable !== this.#table) {
      this.#goodTable = this.#table;
      this.#saving ??= setTimeout(() => this.#save(), saveMilliseconds);
    }
    for (const look of this.#waiting) look();
  }

  /** The sender does not know what is served then: it is to give the whole table next. */
  #goBack(revision: number, reason: string): void {
    // Of a table that was good once, what went wrong is not the table.
    if (revision !== this.#revision || this.#table === this.#goodTable) return;
    this.#options.log.error({ reason }, 'workers cannot serve by the table; the last good one is served');
    this.#unusable = { revision, reason };
    this.#table = this.#goodTable;
    this.#hasTable = this.#goodTable !== emptyTable;
    this.#revision++;
    this.#sendersRevision = -1;
    for (const slot of this.#slots)
      slot.tell({ type: 'table', revision: this.#revision, table: this.#goodTable });
    this.#followPorts();
  }

  #allApplied(revision: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (this.#slots.every(({ isAlive, applied }) => !isAlive || applied >= revision)) done();
      };
      const timer = setTimeout(done, applyMilliseconds);
      this.#waiting.add(look);
      look();
    });
  }

  #save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    if (this.#file === undefined) return;
    try {
      writeState(this.#file, this.#goodTable);
    } catch (error) {
      this.#options.log.error(
        { file: this.#file, error: sentenceOf(error) },
        'the table cannot be kept on disk',
      );
    }
  }
}
