import type { FlowEvent } from '../base/flow-event.ts';
import { matchesFlow, numberOf } from './flow-filter.ts';
import type { FlowFilter } from './flow-filter.ts';

export interface FlowRingOptions {
  readonly node: string;
  /** Events that are kept; the oldest goes when one more comes. */
  readonly capacity: number;
  /** A packet of the same connection within this time is the same event. */
  readonly joinMilliseconds: number;
  /** More new events than this in a second are not kept, but counted. */
  readonly mostInSecond: number;
  /** Gives each event its number: they grow, and rings of one node may share them. */
  readonly nextNumber: () => number;
}

export type Explained = Omit<FlowEvent, 'id' | 'at' | 'last' | 'node' | 'packets'>;

interface Kept {
  readonly key: string;
  readonly number: number;
  readonly explained: Explained;
  readonly first: number;
  last: number;
  packets: number;
}

/** The last events of one node and kind, in memory. */
export class FlowRing {
  readonly #options: FlowRingOptions;
  /** By number, in the order in which they came. */
  readonly #kept = new Map<number, Kept>();
  /** The youngest of a connection. */
  readonly #byKey = new Map<string, Kept>();
  #lost = 0;
  #second = { number: 0, events: 0 };

  constructor(options: FlowRingOptions) {
    this.#options = options;
  }

  /** Events that came too fast to be explained, since the start. */
  get lost(): number {
    return this.#lost;
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * `key` names the connection. `explain` is asked for a new one alone; undefined keeps nothing. `at` in milliseconds.
   * Returns the event when it is a new one.
   */
  add(key: string, at: number, explain: () => Explained | undefined): FlowEvent | undefined {
    const { capacity, joinMilliseconds, mostInSecond } = this.#options;
    const present = this.#byKey.get(key);
    // A clock that was set back says nothing of how long ago it was.
    if (present !== undefined && Math.abs(at - present.first) < joinMilliseconds) {
      present.packets++;
      present.last = at;
      return undefined;
    }
    const second = Math.floor(at / 1000);
    if (second !== this.#second.number) this.#second = { number: second, events: 0 };
    if (++this.#second.events > mostInSecond) {
      this.#lost++;
      return undefined;
    }
    const explained = explain();
    if (explained === undefined) {
      this.#second.events--; // another node tells it
      return undefined;
    }
    const kept = {
      key,
      number: this.#options.nextNumber(),
      explained,
      first: at,
      last: at,
      packets: 1,
    };
    this.#keep(kept);
    if (this.#kept.size > capacity) this.#forgetOldest();
    return this.#eventOf(kept);
  }

  /** Events that an earlier process kept, the oldest first. */
  restore(events: readonly FlowEvent[]): void {
    for (const event of events.slice(-this.#options.capacity)) {
      const { at, id: _id, last, node: _node, packets, ...explained } = event;
      const number = numberOf(event);
      this.#keep({
        key: `restored ${number}`,
        number,
        explained,
        first: Date.parse(at),
        last: Date.parse(last),
        packets,
      });
    }
  }

  find(number: number): FlowEvent | undefined {
    const kept = this.#kept.get(number);
    return kept === undefined ? undefined : this.#eventOf(kept);
  }

  /** The youngest that match, in the order in which they came. */
  list(filter: FlowFilter = {}, most = this.#options.capacity): readonly FlowEvent[] {
    const found: FlowEvent[] = [];
    for (const kept of [...this.#kept.values()].toReversed()) {
      if (found.length >= most) break;
      const event = this.#eventOf(kept);
      if (matchesFlow(filter, event)) found.push(event);
    }
    return found.toReversed();
  }

  #keep(kept: Kept): void {
    this.#kept.set(kept.number, kept);
    this.#byKey.set(kept.key, kept);
  }

  #eventOf({ number, explained, first, last, packets }: Kept): FlowEvent {
    const { node } = this.#options;
    return {
      id: `${node}/${number}`,
      at: new Date(first).toISOString(),
      last: new Date(last).toISOString(),
      node,
      ...explained,
      packets,
    };
  }

  #forgetOldest(): void {
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return;
    this.#kept.delete(oldest.number);
    if (this.#byKey.get(oldest.key) === oldest) this.#byKey.delete(oldest.key);
  }
}
