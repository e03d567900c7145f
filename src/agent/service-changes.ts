import type { Clock } from '../base/clock.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { ServiceMetrics } from '../services/index.ts';

export interface SliceChange {
  readonly before?: EndpointSlice;
  readonly after?: EndpointSlice;
}

/** When the change began that a slice tells of, as its writer says (EndpointsLastChangeTriggerTime). */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Pending {
  /** Milliseconds since the epoch at which it arrived. */
  readonly arrived: number;
  /** Milliseconds since the epoch at which what its slices tell of began. */
  readonly triggered: readonly number[];
}

/** Services that changed since the kernel was told last, and since when. */
export class ServiceChanges {
  readonly #clock: Clock;
  #pending = new Map<string, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  add(service: string, slice: SliceChange = {}): void {
    const { arrived = this.#clock.now(), triggered = [] } = this.#pending.get(service) ?? {};
    this.#pending.set(service, { arrived, triggered: [...triggered, ...triggeredBy(slice)] });
  }

  take(): TakenChanges {
    const taken = new TakenChanges(this.#pending, this.#clock);
    this.#pending = new Map();
    return taken;
  }

  /** They could not be told; what came since comes after them. */
  putBack({ changes }: TakenChanges): void {
    for (const [service, { arrived, triggered }] of changes) {
      const since = this.#pending.get(service)?.triggered ?? [];
      this.#pending.set(service, { arrived, triggered: [...triggered, ...since] });
    }
  }
}

export class TakenChanges {
  readonly changes: ReadonlyMap<string, Pending>;
  readonly #clock: Clock;

  constructor(changes: ReadonlyMap<string, Pending>, clock: Clock) {
    this.changes = changes;
    this.#clock = clock;
  }

  keys(): readonly string[] {
    return [...this.changes.keys()];
  }

  /** They are in force now. */
  observe(metrics: Pick<ServiceMetrics, 'change' | 'programming'>): void {
    for (const { arrived, triggered } of this.changes.values()) {
      metrics.change.observe(Math.max(0, this.#clock.now() - arrived) / 1000);
      for (const time of triggered) metrics.programming.observe(Math.max(0, this.#clock.now() - time) / 1000);
    }
  }
}

/** Only what is new: slices are written for other reasons, too. */
function triggeredBy({ after, before }: SliceChange): readonly number[] {
  const text = after?.metadata.annotations?.[TRIGGER_TIME];
  if (text === undefined || text === before?.metadata.annotations?.[TRIGGER_TIME]) return [];
  const time = Date.parse(text);
  return Number.isNaN(time) ? [] : [time];
}
