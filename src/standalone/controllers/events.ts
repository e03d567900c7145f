import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/api-error.ts';
import { EVENTS } from '../../kube/resources.ts';
import type { Event, ObjectReference } from '../../kube/types/core.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { formatTime } from './pod-state.ts';

/** What people read under `kubectl describe`. Recording never fails and never waits. */
export interface EventRecorder {
  normal(object: KubeObject, reason: string, message: string): void;
  warning(object: KubeObject, reason: string, message: string): void;
}

export interface EventSinkOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
}

interface Entry {
  readonly event: Event;
  readonly count: number;
  /** How many of them the API knows; 0 = the event has to be created. */
  readonly written: number;
}

/** Kept to count repetitions, and dropped from the oldest on. */
const REMEMBERED = 1000;

/**
 * Writes events, in order a kind of event. The same sentence about the same object is one Event with a count, so that a
 * failure that repeats does not fill the store. An event that cannot be written is dropped: it may not hold up the work
 * that it speaks of.
 */
export class EventSink {
  readonly #options: EventSinkOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: WorkQueue<string>;

  constructor(options: EventSinkOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(key => this.#write(key), {
      clock: options.clock,
      concurrency: 4,
      onError: (key, error) => {
        options.log.debug({ error: sentenceOf(error) }, 'An event could not be written and is dropped.');
        this.#queue.forget(key);
        this.#entries.delete(key);
      },
    });
  }

  recorder(component: string): EventRecorder {
    const record = (type: string) => (object: KubeObject, reason: string, message: string) =>
      this.#record(component, type, object, reason, message);
    return { normal: record('Normal'), warning: record('Warning') };
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await this.#queue.close();
  }

  #record(component: string, type: string, object: KubeObject, reason: string, message: string): void {
    const text = message.slice(0, 1024);
    const key = JSON.stringify([object.metadata.uid, component, reason, text]);
    const known = this.#entries.get(key);
    const now = formatTime(this.#options.clock.now());
    this.#entries.delete(key); // to the end: the order is that of the last use
    this.#entries.set(key, {
      event:
        known === undefined
          ? newEvent(component, type, object, reason, text, now)
          : { ...known.event, lastTimestamp: now },
      count: (known?.count ?? 0) + 1,
      written: known?.written ?? 0,
    });
    this.#dropOldest();
    this.#queue.add(key);
  }

  #dropOldest(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= REMEMBERED) return;
      this.#entries.delete(key);
    }
  }

  async #write(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.written === entry.count) return;
    const { event, count } = entry;
    if (entry.written === 0 || !(await this.#countUp(event, count))) {
      await this.#options.client.create(EVENTS, { ...event, count });
    }
    const latest = this.#entries.get(key);
    if (latest !== undefined) this.#entries.set(key, { ...latest, written: count });
  }

  /** False if the event has meanwhile expired. */
  async #countUp(event: Event, count: number): Promise<boolean> {
    const { namespace, name } = event.metadata;
    const key = namespace === undefined ? { name } : { namespace, name };
    try {
      const patch = { count, lastTimestamp: event.lastTimestamp };
      await this.#options.client.patch(EVENTS, key, patch, { type: 'merge' });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

function newEvent(
  component: string,
  type: string,
  object: KubeObject,
  reason: string,
  message: string,
  now: string,
): Event {
  const namespace = object.metadata.namespace ?? 'default';
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${object.metadata.name.slice(0, 236)}.${randomBytes(8).toString('hex')}`, namespace },
    involvedObject: referenceTo(object),
    type,
    reason,
    message,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component },
    reportingComponent: component,
  };
}

function referenceTo(object: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
