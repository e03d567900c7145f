import { FairleadError } from '../../base/errors.ts';
import {
  addressAt,
  contains,
  formatAddress,
  formatPrefix,
  overlaps,
  parsePrefix,
  sizeOf,
} from '../../base/ip.ts';
import type { Address, Family, Prefix } from '../../base/ip.ts';

/** What came of the wish for an address. */
export type Claim =
  | { readonly outcome: 'claimed'; readonly address: Address }
  | { readonly outcome: 'exhausted' }
  /** A certain address was asked for. */
  | { readonly outcome: 'taken'; readonly by: string }
  | { readonly outcome: 'outside' };

/**
 * Which Service has which load balancer addresses. Pure bookkeeping: the statuses of Services are the record, and are
 * adopted at the start. The lowest free address is given first.
 */
export class AddressPool {
  readonly #prefixes: readonly Prefix[];
  readonly #owners = new Map<string, string>();
  readonly #held = new Map<string, Map<string, Address>>();

  /** Throws `controller/bad-load-balancer-prefix` for prefixes that cannot be read or overlap. */
  constructor(prefixes: readonly string[]) {
    this.#prefixes = prefixes.map(parseOne);
    for (const [index, one] of this.#prefixes.entries())
      for (const other of this.#prefixes.slice(index + 1))
        if (overlaps(one, other)) throw badPrefix(`${formatPrefix(one)} overlaps ${formatPrefix(other)}`);
  }

  has(address: Address): boolean {
    return this.#prefixes.some(prefix => contains(prefix, address));
  }

  get families(): ReadonlySet<Family> {
    return new Set(this.#prefixes.map(prefix => prefix.family));
  }

  heldBy(owner: string): readonly Address[] {
    return [...(this.#held.get(owner)?.values() ?? [])];
  }

  /** The lowest free address of a family. */
  take(owner: string, family: Family): Claim {
    for (const prefix of this.#prefixes) {
      if (prefix.family !== family) continue;
      const { first, last } = usable(prefix);
      for (let index = first; index <= last; index++) {
        const address = addressAt(prefix, index);
        if (!this.#owners.has(formatAddress(address))) return this.#hold(owner, address);
      }
    }
    return { outcome: 'exhausted' };
  }

  /** A certain address. */
  claim(owner: string, address: Address): Claim {
    const by = this.#owners.get(formatAddress(address));
    if (by !== undefined && by !== owner) return { outcome: 'taken', by };
    return this.has(address) ? this.#hold(owner, address) : { outcome: 'outside' };
  }

  release(owner: string, address: Address): void {
    const text = formatAddress(address);
    if (this.#owners.get(text) !== owner) return;
    this.#owners.delete(text);
    this.#held.get(owner)?.delete(text);
  }

  /** Returns whether the owner had anything. */
  releaseAll(owner: string): boolean {
    for (const text of this.#held.get(owner)?.keys() ?? []) this.#owners.delete(text);
    return this.#held.delete(owner);
  }

  #hold(owner: string, address: Address): Claim {
    const text = formatAddress(address);
    this.#owners.set(text, owner);
    const held = this.#held.get(owner);
    if (held === undefined) this.#held.set(owner, new Map([[text, address]]));
    else held.set(text, address);
    return { outcome: 'claimed', address };
  }
}

/** The first and the last address of an IPv4 prefix mean the network and everybody; IPv6's first means any router. */
function usable(prefix: Prefix): { readonly first: bigint; readonly last: bigint } {
  const size = sizeOf(prefix);
  if (size <= 2n) return { first: 0n, last: size - 1n };
  return { first: 1n, last: prefix.family === 4 ? size - 2n : size - 1n };
}

function parseOne(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  throw badPrefix(`"${text}" is not a network prefix`);
}

function badPrefix(sentence: string): FairleadError {
  return new FairleadError('controller/bad-load-balancer-prefix', sentence, {
    field: 'loadBalancerPrefixes',
    hint: 'Write prefixes as ADDRESS/LENGTH without host bits; several are separated by commas.',
  });
}
