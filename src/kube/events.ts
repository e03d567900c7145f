import { randomInt } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { ApiError, isNotFound } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { describeObject, EVENTS, keyOf } from './resources.ts';
import { timestampOf } from './timestamps.ts';
import type { Event } from './types/event.ts';
import type { KubeObject } from './types/meta.ts';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Who reports, as `fairlead-agent`. */
  readonly component: string;
  /** The node that the reporter stands on, where it stands on one. */
  readonly host?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is said about an object; `reason` is a CamelCase word, `note` a sentence. */
export interface Occurrence {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  /** The part of the object that it happened to, as `spec.containers{web}`. */
  readonly fieldPath?: string;
  /** What was being done, as `Scheduling`; only events.k8s.io readers see it. */
  readonly action?: string;
}

/** Occurrences that wait to be written; beyond this the oldest are given up. */
const QUEUE = 500;
/** The same occurrence within this time counts up one Event instead of making another. */
const REPEAT_MILLISECONDS = 10 * 60_000;
const REMEMBERED = 2_000;
/** An Event's note is at most 1 kB (core/v1 validation). */
const LONGEST_NOTE = 1024;

interface Waiting {
  readonly key: string;
  readonly about: KubeObject;
  readonly occurrence: Occurrence;
  /** Milliseconds since the epoch, of the last time. */
  readonly at: number;
  readonly times: number;
}

interface Written {
  readonly name: string;
  readonly namespace: string;
  readonly count: number;
  readonly at: number;
}

/**
 * Tells people what happened to an object, by Events that `kubectl describe` shows. Never waits and never throws: what
 * cannot be written is logged.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #queue = new Map<string, Waiting>();
  readonly #written = new Map<string, Written>();
  #writing: Promise<void> | undefined;
  #lost = 0;
  /** Begins anywhere: recorders of several nodes speak of one object in the same millisecond. */
  #sequence = randomInt(2 ** 32);

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(about: KubeObject, occurrence: Occurrence): void {
    const key = JSON.stringify([about.kind, about.metadata.uid ?? keyOf(about), occurrence]);
    const at = this.#options.clock.now();
    const times = (this.#queue.get(key)?.times ?? 0) + 1;
    this.#queue.set(key, { key, about, occurrence, at, times });
    const oldest = this.#queue.keys().next();
    if (this.#queue.size > QUEUE && oldest.done !== true) {
      this.#queue.delete(oldest.value);
      this.#lost++;
    }
    this.#writing ??= this.#write();
  }

  /** Resolves when everything that was recorded has been written or given up. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { log } = this.#options;
    await Promise.resolve(); // what is recorded in one go is counted before it is written
    // The last look at the queue and the end of `#writing` are one step: nothing is left behind between them.
    for (const waiting of this.#queue.values()) {
      this.#queue.delete(waiting.key);
      try {
        await this.#writeOne(waiting);
      } catch (error) {
        const { about, occurrence } = waiting;
        const fields = { object: describeObject(about), reason: occurrence.reason, cause: sentenceOf(error) };
        // A namespace that is being deleted takes no new Events: nobody is left to read them.
        if (error instanceof ApiError && error.status === 403) log.debug(fields, 'an Event was not taken');
        else log.warn(fields, `an Event could not be written: ${occurrence.note}`);
      }
    }
    if (this.#lost > 0)
      log.warn({ lost: this.#lost }, `${this.#lost} Events came too fast and were given up`);
    this.#lost = 0;
    this.#writing = undefined;
  }

  async #writeOne(waiting: Waiting): Promise<void> {
    const earlier = this.#written.get(waiting.key);
    this.#written.delete(waiting.key); // comes back as the youngest
    const recent = earlier !== undefined && waiting.at - earlier.at < REPEAT_MILLISECONDS;
    const counted = recent ? await this.#countUp(earlier, waiting) : undefined;
    this.#written.set(waiting.key, counted ?? (await this.#create(waiting)));
    const oldest = this.#written.keys().next();
    if (this.#written.size > REMEMBERED && oldest.done !== true) this.#written.delete(oldest.value);
  }

  /** Undefined where the Event is no longer there (servers keep them for an hour). */
  async #countUp(earlier: Written, { at, times }: Waiting): Promise<Written | undefined> {
    const count = earlier.count + times;
    const patch = { count, lastTimestamp: timestampOf(at) };
    try {
      await this.#options.client.patch(EVENTS, earlier, patch, { type: 'merge' });
      return { ...earlier, count, at };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #create(waiting: Waiting): Promise<Written> {
    const event = this.#eventOf(waiting);
    await this.#options.client.create(EVENTS, event);
    const { name, namespace = 'default' } = event.metadata;
    return { name, namespace, count: waiting.times, at: waiting.at };
  }

  #eventOf({ about, occurrence, at, times }: Waiting): Event {
    const { component, host } = this.#options;
    const { type, reason, note, action, fieldPath } = occurrence;
    const { name, namespace, uid, resourceVersion } = about.metadata;
    const time = timestampOf(at);
    const unique = `${at.toString(16)}${(this.#sequence++ % 2 ** 32).toString(16).padStart(8, '0')}`;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      // Events about cluster-scoped objects are kept in `default`.
      metadata: { name: `${name.slice(0, 200)}.${unique}`, namespace: namespace ?? 'default' },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message: note.length > LONGEST_NOTE ? `${note.slice(0, LONGEST_NOTE - 1)}…` : note,
      ...(action === undefined ? {} : { action }),
      firstTimestamp: time,
      lastTimestamp: time,
      count: times,
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? component,
    };
  }
}
