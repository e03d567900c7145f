import { formatAddress, parseAddress } from '../base/ip.ts';
import { matchesDomain, readDomainName } from './compile-domains.ts';
import type { PolicyIndex } from './compile-index.ts';

/** An answer that the node's DNS server is about to release to a pod. */
export interface NameAnswer {
  /** The name that was asked for, and the names that its CNAMEs led through. */
  readonly names: readonly string[];
  readonly addresses: readonly { readonly address: string; /** Seconds. */ readonly ttl: number }[];
}

/** An address that counts for a name until then; milliseconds since 1970. */
export interface HeldName {
  readonly name: string;
  readonly address: string;
  readonly until: number;
}

/** Clients use what they resolved longer than they should; and nobody opens a connection in no time. */
const shortestMilliseconds = 60_000;
/** No answer holds an address longer than a day. */
const longestMilliseconds = 86_400_000;
const mostOfName = 256;
const mostHeld = 10_000;

/** Which addresses count for the domain names that policies wait for, and how long: bounded, whatever DNS answers. */
export class DomainHolds {
  readonly #index: PolicyIndex;
  /** By name, by address. */
  readonly #until = new Map<string, Map<string, number>>();
  #held = 0;
  #refused = 0;

  constructor(index: PolicyIndex, restored: readonly HeldName[]) {
    this.#index = index;
    for (const { name, address, until } of restored) this.#hold(name, address, until);
  }

  get size(): number {
    return this.#held;
  }

  /** Addresses that were not taken because there were too many, since the start. */
  get refused(): number {
    return this.#refused;
  }

  list(): readonly HeldName[] {
    return [...this.#until].flatMap(([name, addresses]) =>
      [...addresses].map(([address, until]) => ({ name, address, until })),
    );
  }

  /** Holds what policies wait for; true where an address is new for a name. */
  learn({ names, addresses }: NameAnswer, now: number): boolean {
    let isNew = false;
    for (const text of names) {
      const name = readDomainName(text);
      if (name === undefined || !this.#isWaitedFor(name)) continue;
      for (const { address: written, ttl } of addresses) {
        const address = parseAddress(written);
        if (address === undefined || !Number.isFinite(ttl)) continue;
        const milliseconds = Math.min(Math.max(ttl * 1000, shortestMilliseconds), longestMilliseconds);
        if (this.#hold(name, formatAddress(address), now + milliseconds)) isNew = true;
      }
    }
    return isNew;
  }

  /** What nobody asked for again in its time. */
  expired(now: number): readonly HeldName[] {
    return this.list().filter(({ until }) => until <= now);
  }

  /** A connection still uses it. */
  renew({ name, address }: HeldName, now: number): void {
    if (this.#isWaitedFor(name)) this.#hold(name, address, now + shortestMilliseconds);
    else this.release({ name, address });
  }

  release({ name, address }: Pick<HeldName, 'name' | 'address'>): void {
    const addresses = this.#until.get(name);
    if (addresses?.delete(address) !== true) return;
    this.#held--;
    if (addresses.size === 0) this.#until.delete(name);
    this.#index.setName(name, address, false);
  }

  #isWaitedFor(name: string): boolean {
    for (const patterns of this.#index.patterns.values())
      if (patterns.some(pattern => matchesDomain(pattern, name))) return true;
    return false;
  }

  /** True where it was not held before. */
  #hold(name: string, address: string, until: number): boolean {
    const addresses = this.#until.get(name) ?? new Map<string, number>();
    const present = addresses.get(address);
    if (present !== undefined) {
      addresses.set(address, Math.max(present, until));
      return false;
    }
    if (this.#held >= mostHeld) {
      this.#refused++;
      return false;
    }
    // The one that would go first goes: the name has others now.
    if (addresses.size >= mostOfName) {
      const [oldest] = [...addresses].toSorted(([, a], [, b]) => a - b);
      if (oldest !== undefined) this.release({ name, address: oldest[0] });
    }
    this.#until.set(name, addresses.set(address, until));
    this.#held++;
    this.#index.setName(name, address, true);
    return true;
  }
}
