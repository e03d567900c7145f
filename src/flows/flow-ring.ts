import type { FlowEvent } from '../base/flow-event.ts';
import { matchesFlow } from './flow-filter.ts';
import type { FlowFilter } from './flow-filter.ts';

export interface FlowRingOptions {
  readonly node: string;
  /** Events that are kept; the oldest goes when one more comes. */
  readonly capacity: number;
  /** A packet of the same connection within this time is the same event. */
  readonly joinMilliseconds: number;
  /** More new events than this in a second are not kept, but counted. */
  readonly mostInSecond: number;
}

type Explained = Omit<FlowEvent, 'id' | 'at' | 'last' | 'node' | 'packets'>;

interface Kept {
  readonly key: string;
  readonly number: number;
  readonly explained: Explained;
  readonly first: number;
  last: number;
  packets: number;
}

/** The last events of one node, in memory. */
export class FlowRing {
  readonly #options: FlowRingOptions;
  /** By number, in the order in which they came. */
  readonly #kept = new Map<number, Kept>();
  /** The youngest of a connection. */
  readonly #byKey = new Map<string, Kept>();
  #next = 1;
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

  /** The number of the youngest event; 0 before there is any. They begin again with every ring. */
  get newest(): number {
    return this.#next - 1;
  }

  /** `key` names the connection. `explain` is asked for a new one alone; undefined keeps nothing. `at` in milliseconds. */
  add(key: string, at: number, explain: () => Explained | undefined): void {
    const { capacity, joinMilliseconds, mostInSecond } = this.#options;
    const present = this.#byKey.get(key);
    if (present !== undefined && at - present.first < joinMilliseconds) {
      present.packets++;
      present.last = at;
      return;
    }
    const second = Math.floor(at / 1000);
    if (second !== this.#second.number) this.#second = { number: second, events: 0 };
    if (++this.#second.events > mostInSecond) {
      this.#lost++;
      return;
    }
    const explained = explain();
    if (explained === undefined) return;
    const kept = { key, number: this.#next++, explained, first: at, last: at, packets: 1 };
    this.#kept.set(kept.number, kept);
    this.#byKey.set(key, kept);
    if (this.#kept.size > capacity) this.#forgetOldest();
  }

  /** The youngest that match, in the order in which they came. */
  list(filter: FlowFilter = {}, most = this.#options.capacity): readonly FlowEvent[] {
    const found: FlowEvent[] = [];
    for (const { number, explained, first, last, packets } of [...this.#kept.values()].toReversed()) {
      if (found.length >= most) break;
      const event: FlowEvent = {
        id: `${this.#options.node}/${number}`,
        at: new Date(first).toISOString(),
        last: new Date(last).toISOString(),
        node: this.#options.node,
        ...explained,
        packets,
      };
      if (matchesFlow(filter, event)) found.push(event);
    }
    return found.toReversed();
  }

  #forgetOldest(): void {
    const [oldest] = this.#kept.values();
    if (oldest === undefined) return;
    this.#kept.delete(oldest.number);
    if (this.#byKey.get(oldest.key) === oldest) this.#byKey.delete(oldest.key);
  }
}
