import type { Clock } from '../base/clock.ts';
import { FairleadError, sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { ApiError, isGone, isNotFound, isResourceVersionTooLarge } from './api-error.ts';
import { Backoff } from './backoff.ts';
import type { KubeClient, ListResult, Selection, WatchEvent } from './client.ts';
import { deepFreeze } from './freeze.ts';
import { keyOf } from './resources.ts';
import type { Resource } from './resources.ts';
import { SilenceGuard } from './silence-guard.ts';
import { TimeSlice } from './time-slice.ts';
import type { KubeObject } from './types/meta.ts';

/** Where a reflector puts what it sees. */
export interface ReflectorTarget<T> {
  /** The whole state at a version: what is not in it is gone. */
  replace(objects: ReadonlyMap<string, T>, resourceVersion: string): Promise<void>;
  put(object: T): void;
  remove(object: T): void;
  /** The server does not know the resource (for now). */
  absent(): Promise<void>;
  /** The server does not let us see the resource, and never did. */
  forbidden(): Promise<void>;
  /** Nothing will come any more: the client was closed. */
  ended(reason: unknown): void;
  /** All changes up to this version have been announced. */
  reached(resourceVersion: string): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly resource: Resource<T>;
  readonly selection: Selection;
  readonly target: ReflectorTarget<T>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** A watch that is silent for longer is taken for dead. Servers send a bookmark about once a minute. */
  readonly silenceMilliseconds: number;
}

/** Objects a page of a list: small enough that parsing one does not hold up the process. */
const PAGE = 250;
/** Servers end a watch after this; each watch gets its own length, so that they do not all end together. */
const WATCH_SECONDS = { least: 300, most: 600 };
/** A streaming list of a server that does not know the option would never say that it is complete. */
const STREAM_MILLISECONDS = 10_000;
const SHORT_WATCH_MILLISECONDS = 1000;

/**
 * Mirrors a collection: a list, then watches from where the list ended. After 410 Gone it lists again and the target
 * compares, so nothing is missed and nothing is announced twice. Watches that end, break or fall silent continue from
 * the last version that was seen.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  #resourceVersion: string | undefined;
  #everFilled = false;
  #streams = true;
  #lastContact: number | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff({ first: 100, last: 10_000, random: options.random });
  }

  /** Seconds since the server last said anything; infinite before it ever did. */
  staleness(): number {
    if (this.#lastContact === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#options.clock.now() - this.#lastContact) / 1000;
  }

  /** Runs until the signal is aborted or the client is closed; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined && !this.#streams) await this.#list(signal);
        else await this.#watch(this.#resourceVersion, signal);
      } catch (error) {
        if (isClosed(error)) {
          this.#options.target.ended(error);
          return;
        }
        if (!signal.aborted) await this.#recover(error, signal);
      }
    }
  }

  /** The whole state, by a list; then the watch goes on from there. */
  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, selection } = this.#options;
    const objects = new Map<string, T>();
    const slice = new TimeSlice(this.#options.clock);
    let page: ListResult<T> | undefined;
    let continued: string | undefined;
    do {
      page = await client.list(resource, {
        ...selection,
        signal,
        limit: PAGE,
        ...(page?.continue === undefined ? this.#listFrom() : { continue: page.continue }),
      });
      this.#contact();
      for (const object of page.items) {
        objects.set(keyOf(object), prepare(object));
        await slice.breathe();
      }
      if (page.continue !== undefined && page.continue === continued)
        throw new FairleadError('kube/decode', 'The server gave the same page of a list twice.');
      continued = page.continue;
    } while (page.continue !== undefined);
    await this.#replace(objects, page.resourceVersion);
  }

  /** The first list may come from the server's cache; a later one must not show less than was already seen. */
  #listFrom(): { readonly resourceVersion?: string } {
    return this.#everFilled ? {} : { resourceVersion: '0' };
  }

  /**
   * Follows the changes after `resourceVersion`; without one, receives the whole state first (a streaming list,
   * KEP-3157).
   */
  async #watch(resourceVersion: string | undefined, signal: AbortSignal): Promise<void> {
    const { client, resource, selection, clock, silenceMilliseconds } = this.#options;
    const began = clock.now();
    const slice = new TimeSlice(clock);
    let initial = resourceVersion === undefined ? new Map<string, T>() : undefined;
    using guard = new SilenceGuard(
      clock,
      signal,
      initial === undefined ? silenceMilliseconds : STREAM_MILLISECONDS,
    );
    const events = client.watch(resource, {
      ...selection,
      ...(resourceVersion === undefined ? { sendInitialEvents: true } : { resourceVersion }),
      timeoutSeconds: this.#watchSeconds(),
      signal: guard.signal,
    });
    const lasts = () => initial === undefined && clock.now() - began >= SHORT_WATCH_MILLISECONDS;
    try {
      for await (const event of events) {
        guard.heard();
        this.#contact();
        if (lasts()) this.#recovered();
        if (initial === undefined) this.#apply(event);
        else if (event.type === 'DELETED') initial.delete(keyOf(event.object));
        else if (event.type !== 'BOOKMARK') initial.set(keyOf(event.object), prepare(event.object));
        else if (event.initialEventsEnd) {
          await this.#replace(initial, event.resourceVersion);
          initial = undefined;
          guard.allow(silenceMilliseconds);
        }
        await slice.breathe();
      }
    } catch (error) {
      if (lasts() && error instanceof FairleadError && error.code === 'kube/watch-broken') this.#recovered();
      throw error;
    }
    if (lasts() && !guard.fired) this.#recovered();
    if (signal.aborted) return;
    if (initial !== undefined) {
      this.#streams &&= !guard.fired;
      throw new FairleadError(
        'kube/incomplete-list',
        'The server began to stream a list and did not end it.',
      );
    }
    // A server (or a proxy before it) that ends every watch at once must not be asked in a tight loop.
    if (!guard.fired && clock.now() - began < SHORT_WATCH_MILLISECONDS) {
      throw new FairleadError('kube/short-watch', 'The server ended the watch at once.');
    }
  }

  #apply(event: WatchEvent<T>): void {
    const { target } = this.#options;
    if (event.type === 'DELETED') target.remove(prepare(event.object));
    else if (event.type !== 'BOOKMARK') target.put(prepare(event.object));
    const version = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    if (version === undefined || version === '') return;
    this.#resourceVersion = version;
    target.reached(version);
  }

  async #replace(objects: ReadonlyMap<string, T>, resourceVersion: string): Promise<void> {
    if (resourceVersion === '')
      throw new FairleadError('kube/decode', 'The server gave a list without a resourceVersion.');
    await this.#options.target.replace(objects, resourceVersion);
    this.#resourceVersion = resourceVersion;
    this.#everFilled = true;
  }

  async #recover(failure: unknown, signal: AbortSignal): Promise<void> {
    const { log, resource, target } = this.#options;
    const first = this.#backoff.failures === 0;
    const wait = Math.max(this.#backoff.next(), retryAfterMilliseconds(failure));
    if (isNotFound(failure)) {
      this.#resourceVersion = undefined; // what comes back may count its versions anew
      await target.absent();
    } else if (isForbidden(failure) && !this.#everFilled) {
      await target.forbidden();
    } else if (isGone(failure) || isResourceVersionTooLarge(failure)) {
      this.#resourceVersion = undefined;
      if (first) return; // what the server forgot is asked for again at once
    } else if (failure instanceof FairleadError && failure.code === 'kube/watch-decode') {
      // The same event again means that only a list leads past it.
      if (!first) this.#startOver();
    } else if (this.#resourceVersion === undefined && cannotStream(failure)) {
      if (this.#streams) {
        this.#streams = false;
        return;
      }
    }
    const fields = {
      resource: resource.plural,
      failures: this.#backoff.failures,
      cause: sentenceOf(failure),
    };
    const sentence = `cannot follow ${resource.plural}; trying again in ${Math.round(wait)} ms`;
    // At the second failure, and whenever their number has doubled since: an outage of hours is a few lines.
    if (first || !Number.isInteger(Math.log2(this.#backoff.failures))) log.debug(fields, sentence);
    else log.warn(fields, sentence);
    await this.#pause(wait, signal);
  }

  /** Only an abort ends it early, and `run` sees that itself. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(milliseconds, signal);
    } catch (reason) {
      if (!signal.aborted) throw reason;
    }
  }

  #startOver(): void {
    this.#resourceVersion = undefined;
    this.#streams = false;
  }

  #contact(): void {
    this.#lastContact = this.#options.clock.now();
  }

  /** A watch that lasts: answers that lead nowhere (a list, then 410, then a list …) do not count as recovered. */
  #recovered(): void {
    const { log, resource } = this.#options;
    if (this.#backoff.failures > 2)
      log.info({ resource: resource.plural }, `following ${resource.plural} again`);
    this.#backoff.reset();
  }

  #watchSeconds(): number {
    const { least, most } = WATCH_SECONDS;
    return Math.round(least + this.#options.random() * (most - least));
  }
}

/** Managed fields are of no use to readers and often half of an object. */
function prepare<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return deepFreeze(object);
  const { managedFields: _, ...metadata } = object.metadata;
  return deepFreeze({ ...object, metadata });
}

const isClosed = (error: unknown): boolean => error instanceof FairleadError && error.code === 'kube/closed';

const isForbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

/** How servers refuse sendInitialEvents: without the feature it is an invalid option. */
function cannotStream(error: unknown): boolean {
  return error instanceof ApiError && [400, 405, 422].includes(error.status);
}

function retryAfterMilliseconds(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
}
