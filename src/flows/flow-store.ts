import type { FlowEvent } from '../base/flow-event.ts';
import { numberOf } from './flow-filter.ts';
import type { FlowFilter } from './flow-filter.ts';
import { FlowRing } from './flow-ring.ts';
import type { Explained } from './flow-ring.ts';

/** A SYN is sent again after one, three and seven seconds: still the same connection. */
const joinMilliseconds = 10_000;
/** A few kilobytes an event. */
const capacity = 1000;
const mostDropsInSecond = 200;
/** What the kernel reports at most in one: fifty, after a burst of a hundred (`compile-nft.ts` of policy). */
const mostPassesInSecond = 150;
/** What was not written any more when an earlier process ended may have had numbers, too. */
const numberGap = 1000;

/** The last events of one node: what passes never pushes out what was dropped. */
export class FlowStore {
  readonly #drops: FlowRing;
  readonly #passes: FlowRing;
  #next = 1;

  constructor(node: string) {
    const options = { node, capacity, joinMilliseconds, nextNumber: () => this.#next++ };
    this.#drops = new FlowRing({ ...options, mostInSecond: mostDropsInSecond });
    this.#passes = new FlowRing({ ...options, mostInSecond: mostPassesInSecond });
  }

  get size(): number {
    return this.#drops.size + this.#passes.size;
  }

  /** The number of the youngest event; 0 before there is any. */
  get newest(): number {
    return this.#next - 1;
  }

  /** Events that came too fast to be explained, since the start; `passes` are samples in any case. */
  get lost(): { readonly drops: number; readonly passes: number } {
    return { drops: this.#drops.lost, passes: this.#passes.lost };
  }

  /** As FlowRing.add. */
  add(
    kind: 'drop' | 'pass',
    key: string,
    at: number,
    explain: () => Explained | undefined,
  ): FlowEvent | undefined {
    return (kind === 'drop' ? this.#drops : this.#passes).add(key, at, explain);
  }

  /** What an earlier process of this node kept. */
  restore(events: readonly FlowEvent[]): void {
    const sorted = events.toSorted((a, b) => numberOf(a) - numberOf(b));
    const last = sorted.at(-1);
    if (last === undefined) return;
    this.#drops.restore(sorted.filter(({ verdict }) => verdict !== 'allowed'));
    this.#passes.restore(sorted.filter(({ verdict }) => verdict === 'allowed'));
    this.#next = numberOf(last) + numberGap;
  }

  find(number: number): FlowEvent | undefined {
    return this.#drops.find(number) ?? this.#passes.find(number);
  }

  /** The youngest that match, in the order in which they came. */
  list(filter: FlowFilter = {}, most = 2 * capacity): readonly FlowEvent[] {
    return [...this.#drops.list(filter, most), ...this.#passes.list(filter, most)]
      .toSorted((a, b) => numberOf(a) - numberOf(b))
      .slice(-most);
  }
}
