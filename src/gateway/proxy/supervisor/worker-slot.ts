import { fork } from 'node:child_process';
import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Log } from '../../../base/log.ts';
import type { Figures } from '../figures.ts';
import type { FromWorker, ToWorker, WorkerStatus } from '../messages.ts';
import type { BoundSocket } from './sockets.ts';

export interface SlotOptions {
  readonly index: number;
  /** The worker's program. */
  readonly program: string;
  readonly flags: readonly string[];
  readonly log: Log;
  /** What a new worker has to know, in this order. */
  readonly introduction: () => readonly ToWorker[];
  /** It has a table, or takes connections on a port, or is gone. */
  readonly onProgress: () => void;
  /** It cannot serve by a revision of the table. */
  readonly onUnusable: (revision: number, reason: string) => void;
  /** What its worker counted since the last time. */
  readonly onFigures: (figures: Figures) => void;
}

const pingMilliseconds = 2000;
/** A worker that says nothing for so long does nothing for its clients either. */
const silenceMilliseconds = 20_000;
const shortestBackoff = 100;
const longestBackoff = 10_000;
/** Who lived this long did not end because of how it began. */
const steadyMilliseconds = 10_000;
/** A successor serves after some hundred milliseconds; on a busy machine it takes longer. */
const successionMilliseconds = 5000;

/**
 * The place of one worker: its sockets, which stay open when it dies, and the process that is started anew then. Connections
 * that come meanwhile wait in the sockets' queues.
 */
export class WorkerSlot {
  readonly #options: SlotOptions;
  readonly #sockets = new Map<number, BoundSocket>();
  readonly #listening = new Set<number>();
  #child: ChildProcess | undefined;
  #isReady = false;
  #isStopping = false;
  #startedAt = 0;
  #heardAt = 0;
  #backoff = shortestBackoff;
  #restart: NodeJS.Timeout | undefined;
  readonly #pinging: NodeJS.Timeout;
  #restarts = 0;
  #status: WorkerStatus = { clients: 0, upstreams: 0, idleUpstreams: 0 };
  #applied = -1;
  readonly #counting = new Set<() => void>();
  #lostAt = Number.NEGATIVE_INFINITY;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#pinging = setInterval(() => this.#ping(), pingMilliseconds);
    this.#start();
  }

  /** A process is there, ready or about to be. */
  get isAlive(): boolean {
    return this.#child !== undefined;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Requests on all of its ports are answered by this revision; -1 while that is not so. */
  get applied(): number {
    return this.#listening.size === this.#sockets.size ? this.#applied : -1;
  }

  /** By some table, or it lost its process so little ago that who waits in its sockets will be served. */
  get isServing(): boolean {
    return this.#applied >= 0 || performance.now() - this.#lostAt < successionMilliseconds;
  }

  get ports(): readonly number[] {
    return [...this.#sockets.keys()];
  }

  status() {
    return { pid: this.#child?.pid, ready: this.#isReady, restarts: this.#restarts, ...this.#status };
  }

  /** Also to one that is about to be ready: it takes what it is told in order, after its introduction. */
  tell(message: ToWorker): void {
    this.#send(message);
  }

  /** Resolves when the worker has told what it counted, or is gone; the caller bounds the time. */
  count(): Promise<void> {
    if (!this.#isReady) return Promise.resolve();
    return new Promise(resolve => {
      this.#counting.add(resolve);
      this.#send({ type: 'count' });
    });
  }

  open(port: number, socket: BoundSocket): void {
    this.#sockets.set(port, socket);
    if (this.#isReady) this.#send({ type: 'listen', port }, socket);
  }

  close(port: number): void {
    this.tell({ type: 'close', port });
    this.#sockets.get(port)?.close();
    this.#sockets.delete(port);
    this.#listening.delete(port);
  }

  /** Resolves when the process has ended; it is killed when it takes longer than it was given. */
  async stop(milliseconds: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    clearInterval(this.#pinging);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    this.#send({ type: 'stop', milliseconds });
    const kill = setTimeout(() => child.kill('SIGKILL'), milliseconds + 1000);
    await ended;
    clearTimeout(kill);
  }

  #start(): void {
    const { program, flags, log, index } = this.#options;
    this.#startedAt = performance.now();
    this.#heardAt = this.#startedAt;
    const child = fork(program, [], { execArgv: [...flags], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    child.on('message', message => this.#hear(message as FromWorker));
    child.on('error', error => log.error({ worker: index, error: error.message }, 'a worker has trouble'));
    child.once('exit', (code, signal) => this.#ended(code, signal));
    for (const message of this.#options.introduction()) this.#send(message);
  }

  #hear(message: FromWorker): void {
    this.#heardAt = performance.now();
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        for (const [port, socket] of this.#sockets) this.#send({ type: 'listen', port }, socket);
        return;
      case 'applied':
        this.#applied = message.revision;
        this.#options.onProgress();
        return;
      case 'unusable':
        this.#options.onUnusable(message.revision, message.reason);
        return;
      case 'listening':
        if (this.#sockets.has(message.port)) this.#listening.add(message.port);
        this.#options.onProgress();
        return;
      case 'pong':
        this.#status = message.status;
        return;
      case 'figures':
        this.#options.onFigures(message.figures);
        for (const tell of this.#counting) tell();
        this.#counting.clear();
        return;
      case 'problem':
        this.#options.log.error({ worker: this.#options.index }, message.sentence);
        return;
    }
  }

  #ended(code: number | null, signal: string | null): void {
    const { log, index } = this.#options;
    this.#child = undefined;
    if (this.#applied >= 0) this.#lostAt = performance.now();
    this.#isReady = false;
    this.#applied = -1;
    this.#listening.clear();
    for (const tell of this.#counting) tell();
    this.#counting.clear();
    this.#options.onProgress();
    if (this.#isStopping) return;
    const wasSteady = performance.now() - this.#startedAt > steadyMilliseconds;
    this.#backoff = wasSteady ? shortestBackoff : Math.min(this.#backoff * 2, longestBackoff);
    const wait = wasSteady ? 0 : this.#backoff;
    this.#restarts++;
    log.error(
      { worker: index, code, signal, againInMilliseconds: wait },
      'a worker ended and is started again',
    );
    this.#restart = setTimeout(() => this.#start(), wait);
  }

  #ping(): void {
    if (!this.#isReady) return;
    if (performance.now() - this.#heardAt > silenceMilliseconds) {
      this.#options.log.error({ worker: this.#options.index }, 'a worker does not answer and is ended');
      this.#child?.kill('SIGKILL');
    } else {
      this.#send({ type: 'ping' });
      // What is told is not lost with the worker.
      this.#send({ type: 'count' });
    }
  }

  /** What cannot be delivered is for a process that ends: its successor is told all anew. */
  #send(message: ToWorker, socket?: BoundSocket): void {
    if (this.#child?.connected !== true) return;
    this.#child.send(message, socket as unknown as SendHandle, {}, () => undefined); // a handle, as node:cluster sends it
  }
}
