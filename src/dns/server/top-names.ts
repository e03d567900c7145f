import { textOfName } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { rcodes } from '../wire/index.ts';

export interface TopName {
  readonly name: string;
  /** About so many questions since `since`. */
  readonly questions: number;
}

export interface TopReport {
  /** Seconds that it covers. */
  readonly seconds: number;
  readonly names: readonly TopName[];
  /** Asked for, and not there. */
  readonly absent: readonly TopName[];
  readonly clients: readonly TopName[];
}

const capacity = 256;
const candidates = 8;
const windowMilliseconds = 60_000;
const shown = 50;

/** The names that are asked for most, of the last one to two minutes, from every eighth question; bounded. */
export class TopNames {
  /** How many questions one that is noted stands for. */
  static readonly sample = 8;
  readonly #now: () => number;
  #since: number;
  #current = emptyTables();
  #previous = emptyTables();
  #previousSince: number;

  /** `now`: milliseconds that only go forward. */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
    this.#previousSince = this.#since;
  }

  note(key: NameKey, rcode: number, client: string): void {
    const now = this.#now();
    if (now - this.#since > windowMilliseconds) {
      this.#previous = this.#current;
      this.#previousSince = this.#since;
      this.#current = emptyTables();
      this.#since = now;
    }
    this.#current.names.add(key);
    this.#current.clients.add(client);
    if (rcode === rcodes.NXDOMAIN) this.#current.absent.add(key);
  }

  report(): TopReport {
    const merged = (pick: (tables: Tables) => HeavyHitters, text: (of: string) => string) =>
      pick(this.#current)
        .merged(pick(this.#previous))
        .slice(0, shown)
        .map(([of, count]) => ({ name: text(of), questions: count * TopNames.sample }));
    return {
      seconds: (this.#now() - this.#previousSince) / 1000,
      names: merged(({ names }) => names, textOfName),
      absent: merged(({ absent }) => absent, textOfName),
      clients: merged(({ clients }) => clients, String),
    };
  }
}

interface Tables {
  readonly names: HeavyHitters;
  readonly absent: HeavyHitters;
  readonly clients: HeavyHitters;
}

const emptyTables = (): Tables => ({
  names: new HeavyHitters(),
  absent: new HeavyHitters(),
  clients: new HeavyHitters(),
});

/** After Space-Saving (Metwally, Agrawal, El Abbadi 2005): a newcomer takes the place, and the count, of a rare one. */
class HeavyHitters {
  readonly #counts = new Map<string, number>();

  add(item: string): void {
    const present = this.#counts.get(item);
    if (present !== undefined) {
      // To the end of the order, behind those that may be dropped next.
      this.#counts.delete(item);
      this.#counts.set(item, present + 1);
      return;
    }
    if (this.#counts.size < capacity) {
      this.#counts.set(item, 1);
      return;
    }
    let [rarest, least, seen] = ['', Infinity, 0];
    // The rarest of those that have been there longest: looking at all would cost more than the answer.
    for (const [other, count] of this.#counts) {
      if (count < least) [rarest, least] = [other, count];
      if (least === 1 || ++seen === candidates) break;
    }
    this.#counts.delete(rarest);
    this.#counts.set(item, least + 1);
  }

  merged(other: HeavyHitters): readonly (readonly [string, number])[] {
    const sums = new Map(this.#counts);
    for (const [item, count] of other.#counts) sums.set(item, (sums.get(item) ?? 0) + count);
    return [...sums].toSorted(([, a], [, b]) => b - a);
  }
}
