import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { Log } from '../base/log.ts';
import { IndexedCache } from './cache.ts';
import type { Cache, Change, Indexes } from './cache.ts';
import type { KubeClient, Selection } from './client.ts';
import { Reflector } from './reflector.ts';
import { keyOf } from './resources.ts';
import type { Resource } from './resources.ts';
import { TimeSlice } from './time-slice.ts';
import type { KubeObject } from './types/meta.ts';

export type { Cache, Change, Indexes } from './cache.ts';
export { keyOf } from './resources.ts';

export interface InformerOptions<T> extends Selection {
  readonly indexes?: Indexes<T>;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Numbers in [0, 1): spreads waiting times. */
  readonly random?: () => number;
  /** A watch that says nothing for this long is replaced by a new one. Default 150,000, two bookmarks and a half. */
  readonly silenceMilliseconds?: number;
  /**
   * What a server that does not know the resource (404: its CRD is not installed) means: a failure, so that `synced`
   * waits, or `empty`: synced without objects, until the resource is there. `empty-or-forbidden`: also while the server has
   * refused it from the start (403); what was seen before stays. Default `failure`.
   */
  readonly absent?: 'failure' | 'empty' | 'empty-or-forbidden';
}

/**
 * The objects of a resource, kept the same as the server's. Handlers see each change once, in the server's order,
 * with the cache already at the state after it; a handler that comes late is told of every object that is there.
 * Cached objects are frozen and have no managedFields.
 */
export class Informer<T extends KubeObject> {
  readonly #cache: IndexedCache<T>;
  readonly #reflector: Reflector<T>;
  readonly #synced = Promise.withResolvers<void>();
  readonly #resource: Resource<T>;
  readonly #clock: Clock;
  readonly #log: Log;
  #waiting: {
    readonly version: bigint;
    readonly resolve: () => void;
    readonly reject: (reason: unknown) => void;
  }[] = [];
  #stopped: { readonly reason: unknown } | undefined;
  #handlers: readonly ((change: Change<T>) => void)[] = []; // replaced, never changed: a call may add or end one
  #started = false;

  constructor(
    client: Pick<KubeClient, 'list' | 'watch'>,
    resource: Resource<T>,
    options: InformerOptions<T> = {},
  ) {
    const { indexes, clock = systemClock, log = silentLog, random = Math.random, ...rest } = options;
    const { silenceMilliseconds = 150_000, absent = 'failure', ...selection } = rest;
    this.#resource = resource;
    this.#clock = clock;
    this.#log = log;
    this.#cache = new IndexedCache<T>(indexes, (index, object, err) =>
      log.error(
        { resource: resource.plural, object: keyOf(object), index, err },
        'an object cannot be indexed: it is found by its key alone',
      ),
    );
    this.#synced.promise.catch(() => undefined); // who does not wait for it need not handle that we were stopped
    this.#reflector = new Reflector<T>({
      client,
      resource,
      selection,
      clock,
      random,
      log,
      silenceMilliseconds,
      target: {
        replace: (objects, version) => this.#replace(objects, version),
        put: object => this.#put(object),
        remove: object => this.#remove(keyOf(object)),
        reached: version => this.#reached(version),
        ended: reason => this.#stop(reason),
        absent: () => (absent === 'failure' ? Promise.resolve() : this.#replace(new Map(), '')),
        forbidden: () => (absent === 'empty-or-forbidden' ? this.#replace(new Map(), '') : Promise.resolve()),
      },
    });
  }

  /** Begins to follow the server, until the signal is aborted. */
  start(signal: AbortSignal): void {
    if (this.#started) throw new Error(`the informer of ${this.#resource.plural} was started twice`);
    this.#started = true;
    if (signal.aborted) this.#stop(signal.reason);
    signal.addEventListener('abort', () => this.#stop(signal.reason), { once: true });
    void this.#reflector.run(signal);
  }

  /** Resolves once the cache holds the server's state and handlers have seen it; rejects if stopped before. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get cache(): Cache<T> {
    return this.#cache;
  }

  /** Calls the handler for every object that is there (as `after`), then for every change. Returns how to end it. */
  onChange(handler: (change: Change<T>) => void): () => void {
    const own = (change: Change<T>) => handler(change); // the same function may be given twice
    for (const after of this.#cache.list()) this.#call(own, { after });
    this.#handlers = [...this.#handlers, own];
    return () => {
      this.#handlers = this.#handlers.filter(one => one !== own);
    };
  }

  /** Seconds since the server last said anything about the resource; infinite before it ever did. */
  staleness(): number {
    return this.#reflector.staleness();
  }

  /**
   * Resolves once the cache has seen everything up to a resource version of the same server: versions of all resources
   * come from one counter (KEP-5504). A quiet resource gets there by the server's next bookmark. Rejects when the
   * signal is aborted or the informer is stopped.
   */
  reached(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    const version = versionNumber(resourceVersion);
    if (versionNumber(this.#cache.resourceVersion) >= version) return Promise.resolve();
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped.reason);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry = { version, resolve, reject };
    const giveUp = () => {
      this.#waiting = this.#waiting.filter(one => one !== entry);
      reject(signal?.reason);
    };
    this.#waiting.push(entry);
    signal?.addEventListener('abort', giveUp, { once: true });
    return promise.finally(() => signal?.removeEventListener('abort', giveUp));
  }

  #stop(reason: unknown): void {
    this.#stopped = { reason };
    this.#synced.reject(reason);
    for (const one of this.#waiting.splice(0)) one.reject(reason);
  }

  async #replace(objects: ReadonlyMap<string, T>, resourceVersion: string): Promise<void> {
    const slice = new TimeSlice(this.#clock);
    // What is gone goes first: its name, address or port may belong to someone else by now.
    for (const key of this.#cache.keys()) {
      if (!objects.has(key)) this.#remove(key);
      await slice.breathe();
    }
    for (const object of objects.values()) {
      this.#put(object);
      await slice.breathe();
    }
    this.#reached(resourceVersion);
    this.#synced.resolve();
  }

  #put(object: T): void {
    const key = keyOf(object);
    const before = this.#cache.get(key);
    const { resourceVersion, uid } = object.metadata;
    if (
      before !== undefined &&
      before.metadata.resourceVersion === resourceVersion &&
      resourceVersion !== undefined
    )
      return;
    // The same name with another uid is another object: the first one was deleted while nobody told us.
    if (before !== undefined && before.metadata.uid !== uid) this.#remove(key);
    const replaced = this.#cache.put(object);
    this.#announce(replaced === undefined ? { after: object } : { before: replaced, after: object });
  }

  /** `before` is what was announced last, even where the server tells a later state of the deleted object. */
  #remove(key: string): void {
    const before = this.#cache.remove(key);
    if (before !== undefined) this.#announce({ before });
  }

  #reached(resourceVersion: string): void {
    this.#cache.resourceVersion = resourceVersion;
    if (this.#waiting.length === 0) return;
    const version = versionNumber(resourceVersion);
    const there = this.#waiting.filter(one => one.version <= version);
    this.#waiting = this.#waiting.filter(one => one.version > version);
    for (const one of there) one.resolve();
  }

  #announce(change: Change<T>): void {
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  /** A handler's mistake must not keep the others, or the next change, from being told. */
  #call(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      const object = change.after ?? change.before;
      const key = object === undefined ? '' : keyOf(object);
      this.#log.error(
        { resource: this.#resource.plural, object: key, err: error },
        'a handler of changes failed',
      );
    }
  }
}

/** Versions that are no decimal numbers (allowed before KEP-5504) are never waited for. */
function versionNumber(resourceVersion: string): bigint {
  return /^\d{1,19}$/.test(resourceVersion) ? BigInt(resourceVersion) : -1n;
}
