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

/** The names that are asked for most, of the last one to two minutes, and who asks; bounded. */
export class TopNames {
  readonly #now: () => number;
  #since: number;
  #current = emptyTables();
  #previous = emptyTables();
  #previousSince: number;
  #settle: () => void = () => undefined;

  /** `now`: milliseconds that only go forward. */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
    this.#previousSince = this.#since;
  }

  /** `times`: it stands for so many questions. */
  noteName(key: NameKey, rcode: number, times: number): void {
    this.#turn();
    this.#current.names.add(key, times);
    if (rcode === rcodes.NXDOMAIN) this.#current.absent.add(key, times);
  }

  noteClient(client: string, times: number): void {
    this.#turn();
    this.#current.clients.add(client, times);
  }

  /** Called before each report: for what is counted elsewhere until then. */
  onReport(settle: () => void): void {
    this.#settle = settle;
  }

  report(): TopReport {
    this.#settle();
    const merged = (pick: (tables: Tables) => HeavyHitters, text: (of: string) => string) =>
      pick(this.#current)
        .merged(pick(this.#previous))
        .slice(0, shown)
        .map(([of, count]) => ({ name: text(of), questions: count }));
    return {
      seconds: (this.#now() - this.#previousSince) / 1000,
      names: merged(({ names }) => names, textOfName),
      absent: merged(({ absent }) => absent, textOfName),
      clients: merged(({ clients }) => clients, String),
    };
  }

  #turn(): void {
    const now = this.#now();
    if (now - this.#since > windowMilliseconds) {
      this.#previous = this.#current;
      this.#previousSince = this.#since;
      this.#current = emptyTables();
      this.#since = now;
    }
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

  add(item: string, times: number): void {
    const present = this.#counts.get(item);
    if (present !== undefined) {
      // To the end of the order, behind those that may be dropped next.
      this.#counts.delete(item);
      this.#counts.set(item, present + times);
      return;
    }
    if (this.#counts.size < capacity) {
      this.#counts.set(item, times);
      return;
    }
    let [rarest, least, seen] = ['', Infinity, 0];
    // The rarest of those that have been there longest: looking at all would cost more than the answer.
    for (const [other, count] of this.#counts) {
      if (count < least) [rarest, least] = [other, count];
      if (least === 1 || ++seen === candidates) break;
    }
    this.#counts.delete(rarest);
    this.#counts.set(item, least + times);
  }

  merged(other: HeavyHitters): readonly (readonly [string, number])[] {
    const sums = new Map(this.#counts);
    for (const [item, count] of other.#counts) sums.set(item, (sums.get(item) ?? 0) + count);
    return [...sums].toSorted(([, a], [, b]) => b - a);
  }
}
