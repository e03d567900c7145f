import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isNotFound, type KubeClient } from '../../kube/client.ts';
import { EVENTS } from '../../kube/resources.ts';
import type { Event, ObjectReference, Pod } from '../../kube/types/core.ts';
import { formatTime } from '../controllers/pod-state.ts';

export interface PodEvent {
  readonly pod: Pod;
  readonly node: string;
  /** `spec.containers{web}`; undefined: the pod as a whole. */
  readonly fieldPath?: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

interface Entry {
  event: Event;
  count: number;
  written: number;
  busy: boolean;
}

/** Kept to count repetitions; the oldest are forgotten. */
const REMEMBERED = 2000;

/**
 * Events as kubelets write them. Recording never fails and never waits: what cannot be written is dropped, and a
 * sentence that is said again about the same object counts up instead of filling the store.
 */
export class PodEvents {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();

  constructor(client: KubeClient, clock: Clock, log: Log) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  record(input: PodEvent): void {
    const message = input.message.slice(0, 1024);
    const key = [input.pod.metadata.uid, input.fieldPath, input.reason, message].join('\n');
    const now = formatTime(this.#clock.now());
    const known = this.#entries.get(key);
    const entry = known ?? { event: newEvent(input, message, now), count: 0, written: 0, busy: false };
    entry.count += 1;
    entry.event = { ...entry.event, count: entry.count, lastTimestamp: now };
    this.#entries.delete(key); // the order is that of the last use
    this.#entries.set(key, entry);
    if (this.#entries.size > REMEMBERED) this.#entries.delete(this.#entries.keys().next().value ?? key);
    if (!entry.busy) void this.#write(entry);
  }

  async #write(entry: Entry): Promise<void> {
    entry.busy = true;
    try {
      while (entry.written < entry.count) {
        const { event, count } = entry;
        if (entry.written === 0 || !(await this.#countUp(event))) await this.#client.create(EVENTS, event);
        entry.written = count;
      }
    } catch (error) {
      this.#log.debug({ error: sentenceOf(error), reason: entry.event.reason }, 'An event was not written.');
    } finally {
      entry.busy = false;
    }
  }

  /** False when the event is gone, as events are after a while. */
  async #countUp(event: Event): Promise<boolean> {
    const { namespace = 'default', name } = event.metadata;
    const patch = { count: event.count, lastTimestamp: event.lastTimestamp };
    try {
      await this.#client.patch(EVENTS, { namespace, name }, patch, { type: 'merge' });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

function newEvent(input: PodEvent, message: string, now: string): Event {
  const { pod, node, type, reason, fieldPath } = input;
  const { namespace = 'default', name, uid, resourceVersion } = pod.metadata;
  const involvedObject: ObjectReference = {
    apiVersion: 'v1',
    kind: 'Pod',
    namespace,
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
    involvedObject,
    type,
    reason,
    message,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    source: { component: 'kubelet', host: node },
    reportingComponent: 'kubelet',
    reportingInstance: node,
  };
}
