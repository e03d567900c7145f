import type { Clock } from '../../../base/clock.ts';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { ProcessIdentity } from '../../../kernel/process/index.ts';
import { nextBackoff } from './backoff.ts';
import type { ProcessSpec } from './process-spec.ts';
import type { ProcessRecord } from './process-table.ts';

/** A process that runs, started or adopted. */
export interface Running {
  readonly identity: ProcessIdentity;
  /** Resolves when it has ended, with how, in words. */
  readonly ended: Promise<string>;
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
}

/** The way to real processes; tests have their own. */
export interface ProcessHost {
  /** Throws when it cannot be started at all. */
  start(spec: ProcessSpec): Running;
  /** What an earlier supervisor started and still runs, whether it came to write its identity down or not. */
  adopt(spec: ProcessSpec, recorded: ProcessIdentity | undefined): Running | undefined;
}

export interface SupervisorOptions {
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after every change with the whole table. */
  readonly onChange: (records: readonly ProcessRecord[]) => void;
  /** How long a process may take to end after SIGTERM. */
  readonly graceMilliseconds: number;
}

interface Supervised {
  readonly spec: ProcessSpec;
  record: ProcessRecord;
  running: Running | undefined;
  /** Aborted to start it now instead of after its pause; there while it waits. */
  pause: AbortController | undefined;
  finished: Promise<void>;
}

/**
 * Keeps processes running until it is stopped: adopts what runs already, starts the rest side by side, and starts again
 * what ends. It never ends a process that works: when the supervisor itself dies, its processes go on.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #supervised: readonly Supervised[];
  readonly #stopping = new AbortController();

  constructor(specs: readonly ProcessSpec[], earlier: readonly ProcessRecord[], options: SupervisorOptions) {
    this.#options = options;
    // What failed under an earlier supervisor may be mended: it is tried at full speed again.
    const records = new Map(earlier.map(record => [record.name, { ...record, failuresInRow: 0 }]));
    this.#supervised = specs.map(spec => ({
      spec,
      record: records.get(spec.name) ?? { name: spec.name, restarts: 0, failuresInRow: 0, startedAt: 0 },
      running: undefined,
      pause: undefined,
      finished: Promise.resolve(),
    }));
  }

  /** Returns when every process has been adopted or started once. */
  start(): void {
    for (const supervised of this.#supervised)
      supervised.finished = this.#keep(supervised, this.#begin(supervised));
    this.#publish();
  }

  /** Forgets the failures, and starts at once what waits for its next start: someone says that the cause is mended. */
  retry(): void {
    for (const supervised of this.#supervised) {
      supervised.record = { ...supervised.record, failuresInRow: 0 };
      supervised.pause?.abort(new Error('tried again'));
    }
    this.#publish();
  }

  /** Ends all processes, rank by rank, and starts nothing again. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the cluster is stopped'));
    const ranks = [...new Set(this.#supervised.map(({ spec }) => spec.stopRank))].toSorted((a, b) => a - b);
    for (const rank of ranks) {
      await Promise.all(
        this.#supervised.filter(({ spec }) => spec.stopRank === rank).map(it => this.#end(it)),
      );
    }
  }

  async #end(supervised: Supervised): Promise<void> {
    supervised.running?.signal('SIGTERM');
    const timer = new AbortController();
    const patience = this.#options.clock.sleep(this.#options.graceMilliseconds, timer.signal).then(
      () => supervised.running?.signal('SIGKILL'),
      () => undefined, // it ended in time
    );
    await supervised.finished;
    timer.abort(new Error('ended'));
    await patience;
  }

  /** Adopts or starts; undefined when it could not be started. */
  #begin(supervised: Supervised): Running | undefined {
    const { host, log } = this.#options;
    const { spec, record } = supervised;
    const adopted = host.adopt(spec, record.identity);
    if (adopted !== undefined) {
      log.info({ process: spec.name, pid: adopted.identity.pid }, 'adopted a process that runs');
      return this.#became(supervised, adopted, record.startedAt);
    }
    return this.#launch(supervised);
  }

  #launch(supervised: Supervised): Running | undefined {
    const { host, clock, log } = this.#options;
    try {
      const running = host.start(supervised.spec);
      log.info({ process: supervised.spec.name, pid: running.identity.pid }, 'started a process');
      return this.#became(supervised, running, clock.now());
    } catch (error) {
      const { identity: _, ...record } = supervised.record;
      supervised.record = { ...record, startedAt: clock.now(), lastEnd: `not started: ${sentenceOf(error)}` };
      return undefined;
    }
  }

  #became(supervised: Supervised, running: Running, startedAt: number): Running {
    supervised.running = running;
    supervised.record = { ...supervised.record, identity: running.identity, startedAt };
    return running;
  }

  async #keep(supervised: Supervised, first: Running | undefined): Promise<void> {
    const { clock, log } = this.#options;
    let running = first;
    while (true) {
      if (running !== undefined) this.#recordEnd(supervised, await running.ended);
      if (this.#stopping.signal.aborted) return;
      const backoff = nextBackoff(supervised.record.failuresInRow, clock.now() - supervised.record.startedAt);
      supervised.record = { ...supervised.record, failuresInRow: backoff.failuresInRow };
      this.#publish();
      const { lastEnd } = supervised.record;
      log.warn(
        { process: supervised.spec.name, lastEnd, restartInMilliseconds: backoff.milliseconds },
        'a process ended',
      );
      await this.#pause(supervised, backoff.milliseconds);
      if (this.#stopping.signal.aborted) return;
      supervised.record = { ...supervised.record, restarts: supervised.record.restarts + 1 };
      running = this.#launch(supervised);
      this.#publish();
    }
  }

  /** Ends after the time, or as soon as someone retries or stops. */
  async #pause(supervised: Supervised, milliseconds: number): Promise<void> {
    const pause = new AbortController();
    supervised.pause = pause;
    const signal = AbortSignal.any([pause.signal, this.#stopping.signal]);
    await this.#options.clock.sleep(milliseconds, signal).catch(() => undefined); // rejects when it is cut short
    supervised.pause = undefined;
  }

  #recordEnd(supervised: Supervised, lastEnd: string): void {
    const { identity: _, ...record } = supervised.record;
    supervised.running = undefined;
    supervised.record = { ...record, lastEnd };
  }

  #publish(): void {
    this.#options.onChange(this.#supervised.map(({ record }) => record));
  }
}
