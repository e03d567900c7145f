import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isAlreadyExists, isConflict, isNotFound } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { Deadline } from './deadline.ts';
import { LEASES } from './resources.ts';
import { microTimestampOf } from './timestamps.ts';
import type { Lease } from './types/coordination.ts';

export interface ElectionOptions {
  readonly client: KubeClient;
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Unique among all who stand for election, as `HOSTNAME_RANDOM`. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Numbers in [0, 1): spreads the attempts of those who wait. */
  readonly random: () => number;
  /** Others may take the lease when it was not renewed for so long. Default 15. */
  readonly durationSeconds?: number;
  /** A leader that could not renew for so long stops leading; less than the duration. Default 10. */
  readonly deadlineSeconds?: number;
  /** Between attempts to get or to renew the lease. Default 2. */
  readonly retrySeconds?: number;
}

/** A process that ends does not wait longer for a server that does not answer. */
const RELEASE_MILLISECONDS = 5000;

/**
 * Runs `lead` while this process holds the lease, so that only one of several does. Its signal is aborted when the
 * lease is lost or `signal` is; then it is waited for, and the process stands for election again. Ends, with the lease
 * given back, when `signal` is aborted or `lead` returns; throws what `lead` throws.
 */
export async function leadWhenElected(
  options: ElectionOptions,
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const election = new Election(options);
  while (await election.win(signal)) {
    const term = new AbortController();
    const both = AbortSignal.any([signal, term.signal]);
    const holding = election.hold(both).then(() => term.abort(new Error('the lease is no longer held')));
    let finished = false;
    try {
      await lead(both);
      finished = !both.aborted;
    } catch (error) {
      if (!both.aborted) throw error;
      if (error !== both.reason)
        options.log.warn({ cause: sentenceOf(error) }, 'leading ended with an error');
    } finally {
      term.abort(new Error('the term has ended'));
      await holding;
      await election.release();
    }
    if (finished) return;
  }
}

/**
 * One contender. Clocks of others are never read: a lease has run out when its record did not change for its duration
 * on our own clock.
 */
class Election {
  readonly #options: ElectionOptions;
  readonly #duration: number;
  #seen: { readonly version: string; readonly at: number } | undefined;
  #held: Lease | undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#duration = options.durationSeconds ?? 15;
  }

  /** True once the lease is ours; false when the signal was aborted before. */
  async win(signal: AbortSignal): Promise<boolean> {
    const { lease, identity, log } = this.#options;
    while (!signal.aborted) {
      try {
        if (await this.#acquire(signal)) {
          log.info({ lease: lease.name, identity }, 'elected: this process leads');
          return true;
        }
      } catch (error) {
        if (!signal.aborted)
          log.warn(
            { lease: lease.name, cause: sentenceOf(error) },
            'cannot stand for election; trying again',
          );
      }
      await this.#pause(signal);
    }
    return false;
  }

  /** Renews until that fails for the deadline, someone else holds the lease, or the signal is aborted. */
  async hold(signal: AbortSignal): Promise<void> {
    const { clock, lease, log, deadlineSeconds = 10 } = this.#options;
    // Timers, not the clock, which may be set back while others count the seconds. A term begins before its renewal is
    // sent: others see the renewal later than that.
    let term = new Deadline(deadlineSeconds * 1000, signal, clock);
    while (!term.signal.aborted) {
      await this.#pause(term.signal);
      if (term.signal.aborted) break;
      const next = new Deadline(deadlineSeconds * 1000, signal, clock);
      let outlived = next;
      try {
        if (!(await this.#acquire(term.signal))) break;
        [outlived, term] = [term, next];
      } catch (error) {
        if (!signal.aborted)
          log.warn({ lease: lease.name, cause: sentenceOf(error) }, 'the lease was not renewed');
      } finally {
        outlived[Symbol.dispose]();
      }
    }
    term[Symbol.dispose]();
    if (signal.aborted) return;
    log.warn({ lease: lease.name }, 'the lease is lost: this process leads no longer');
    this.#held = undefined;
  }

  /** Lets others lead at once. */
  async release(): Promise<void> {
    const { client, lease, log } = this.#options;
    if (this.#held === undefined) return;
    const spec = { ...this.#held.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    using deadline = new Deadline(RELEASE_MILLISECONDS, undefined);
    try {
      await client.update(LEASES, { ...this.#held, spec }, { signal: deadline.signal });
    } catch (error) {
      log.debug(
        { lease: lease.name, cause: sentenceOf(error) },
        'the lease was not given back; it runs out by itself',
      );
    }
    this.#held = undefined;
  }

  /** Takes or renews the lease; false while another holds it. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { client, lease, identity, clock } = this.#options;
    try {
      const found = await client.get(LEASES, lease, { signal });
      const ours = found.spec?.holderIdentity === identity;
      if (!ours && !this.#isFree(found)) return false;
      this.#held = await client.update(LEASES, this.#claim(found, ours), { signal });
    } catch (error) {
      if (isConflict(error)) return false; // someone was quicker; the next attempt reads who
      if (!isNotFound(error)) throw error;
      this.#held = await client.create(LEASES, this.#claim(undefined, false), { signal }).catch(lostRace);
    }
    if (this.#held !== undefined)
      this.#seen = { version: this.#held.metadata.resourceVersion ?? '', at: clock.now() };
    return this.#held !== undefined;
  }

  #isFree({ spec, metadata }: Lease): boolean {
    if (spec?.holderIdentity === undefined || spec.holderIdentity === '') return true;
    const now = this.#options.clock.now();
    const version = metadata.resourceVersion ?? '';
    if (this.#seen?.version !== version) this.#seen = { version, at: now };
    return now - this.#seen.at >= (spec.leaseDurationSeconds ?? this.#duration) * 1000;
  }

  #claim(found: Lease | undefined, ours: boolean): Lease {
    const { lease, identity, clock } = this.#options;
    const now = microTimestampOf(clock.now());
    const before = found?.spec;
    const transitions = (before?.leaseTransitions ?? 0) + (found === undefined || ours ? 0 : 1);
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: found?.metadata ?? lease,
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: this.#duration,
        acquireTime: ours ? (before?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: transitions,
      },
    };
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, random, retrySeconds = 2 } = this.#options;
    try {
      await clock.sleep(retrySeconds * 1000 * (1 + random() / 5), signal);
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
  }
}

function lostRace(error: unknown): undefined {
  if (!isAlreadyExists(error)) throw error;
  return undefined;
}
