import type { Clock } from '../../base/clock.ts';
import { keyOf } from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';

/** Longer than a watch is ever late; then the object was deleted before it was seen. */
const GIVE_UP_MILLISECONDS = 5000;

interface Pending {
  /** The version that the cache showed before the write; undefined = nothing. */
  readonly before: string | undefined;
  readonly until: number;
}

/**
 * What was written for an owner and is not in the cache yet. Until it is, the owner is not planned again: the next step
 * of a rollout has to start from the result of the last one.
 */
export class PendingWrites {
  readonly #clock: Clock;
  readonly #pending = new Map<string, Map<string, Pending>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `before` is what was known when `after` was written. A write that changed nothing is not waited for. */
  wrote(owner: string, before: KubeObject | undefined, after: KubeObject): void {
    const version = before?.metadata.resourceVersion;
    if (version === after.metadata.resourceVersion) return;
    const writes = this.#pending.get(owner) ?? new Map<string, Pending>();
    writes.set(keyOf(after), { before: version, until: this.#clock.now() + GIVE_UP_MILLISECONDS });
    this.#pending.set(owner, writes);
  }

  /** Milliseconds to wait at most; undefined when the cache (`version` of a key) shows everything. */
  unseen(owner: string, version: (key: string) => string | undefined): number | undefined {
    const writes = this.#pending.get(owner);
    if (writes === undefined) return undefined;
    const now = this.#clock.now();
    for (const [key, { before, until }] of writes) {
      if (version(key) !== before || until <= now) writes.delete(key);
    }
    if (writes.size > 0) return Math.min(...[...writes.values()].map(({ until }) => until - now));
    this.#pending.delete(owner);
    return undefined;
  }

  forget(owner: string): void {
    this.#pending.delete(owner);
  }
}
