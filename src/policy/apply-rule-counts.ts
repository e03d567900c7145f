import { readCounters } from './apply-counters.ts';
import type { CounterKernel } from './apply-counters.ts';
import type { CountedGroup, RulePlace } from './compile-rule-places.ts';
import type { Rule } from './model.ts';

/** Packets that opened a connection, and that a rule decided on this node since this process looked first. */
export interface RuleCount extends Pick<Rule, 'action' | 'id' | 'provenance'> {
  readonly packets: number;
}

/** What one `read` looks at of places and rules; the next one goes on behind it. */
const mostLooks = 5000;
/** Each look-up takes some microseconds of the thread that also brings changes into force. */
const placesAtOnce = 250;

/**
 * Adds up what the elements of each rule count, group by group: elements come and go, and begin again at nothing. One that
 * several rules are made of counts for each of them.
 */
export class RuleCounter {
  readonly #kernel: CounterKernel;
  readonly #namespacePath: string | undefined;
  #counts = new Map<string, RuleCount>();
  /** By group: what its places had counted, where that was anything. */
  #seen = new Map<string, ReadonlyMap<string, number>>();
  /** Groups that this round has looked at, and their rules. */
  readonly #looked = new Set<string>();
  readonly #present = new Set<string>();
  #isFirstRound = true;
  #isReading = false;

  constructor(kernel: CounterKernel, namespacePath?: string) {
    this.#kernel = kernel;
    this.#namespacePath = namespacePath;
  }

  get counts(): Iterable<RuleCount> {
    return this.#counts.values();
  }

  /** What an earlier process counted is not counted again. */
  async read(groups: readonly CountedGroup[]): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      let room = mostLooks;
      for (const group of groups) {
        if (this.#looked.has(group.name)) continue;
        if (room <= 0) return;
        const [places, rules] = [group.places(), group.rules()];
        room -= places.length + rules.length + 1;
        this.#looked.add(group.name);
        for (const rule of rules) this.#add(rule, 0);
        await this.#readPlaces(group.name, places);
      }
      this.#endRound(groups);
    } finally {
      this.#isReading = false;
    }
  }

  async #readPlaces(name: string, places: readonly RulePlace[]): Promise<void> {
    const before = this.#seen.get(name);
    const now = new Map<string, number>();
    for (let from = 0; from < places.length; from += placesAtOnce) {
      const some = places.slice(from, from + placesAtOnce);
      for (const { packets, ...place } of await readCounters(this.#kernel, some, this.#namespacePath)) {
        if (packets === 0) continue;
        const key = place.element === undefined ? place.chain : `${place.element.set} ${place.element.key}`;
        now.set(key, packets);
        // A process that starts finds what an earlier one counted.
        if (before === undefined && this.#isFirstRound) continue;
        const last = before?.get(key) ?? 0;
        for (const rule of place.rules) this.#add(rule, packets >= last ? packets - last : packets);
      }
    }
    this.#seen.set(name, now);
  }

  #add(rule: Rule, packets: number): void {
    const { action, id, provenance } = rule;
    const key = `${provenance.namespace}/${provenance.name} ${provenance.field}`;
    this.#present.add(key);
    const present = this.#counts.get(key)?.packets ?? 0;
    this.#counts.set(key, { action, id, provenance, packets: present + packets });
  }

  /** Forgets rules and groups that are no more. */
  #endRound(groups: readonly { readonly name: string }[]): void {
    const names = new Set(groups.map(({ name }) => name));
    this.#seen = new Map([...this.#seen].filter(([name]) => names.has(name)));
    this.#counts = new Map([...this.#counts].filter(([key]) => this.#present.has(key)));
    this.#present.clear();
    this.#looked.clear();
    this.#isFirstRound = false;
  }
}
