import { FairleadError } from '../../base/errors.ts';
import { formatPrefix, overlaps, parsePrefix } from '../../base/ip.ts';
import type { Family, Prefix } from '../../base/ip.ts';
import { PrefixPool } from './pool.ts';

export type NodePrefixLengths = Readonly<Record<Family, number>>;

/** What came of the wish for prefixes. Nothing is taken unless there is one of every family. */
export type Allocation =
  | { readonly outcome: 'allocated'; readonly prefixes: readonly string[] }
  | { readonly outcome: 'exhausted'; readonly family: Family };

/**
 * Which node has which pod prefixes, cut from the cluster's. Each node gets one of every family, in the order in which
 * the families first come up. Pure bookkeeping: what nodes say they have is adopted, and counts.
 */
export class PrefixAllocator {
  readonly #families: readonly Family[];
  readonly #pools: readonly PrefixPool[];
  readonly #nodes = new Map<string, readonly Prefix[]>();

  /** Throws `controller/bad-pod-prefix` for prefixes that cannot be read, overlap, or are too small to be cut. */
  constructor(podPrefixes: readonly string[], lengths: NodePrefixLengths) {
    const prefixes = parsePodPrefixes(podPrefixes, lengths);
    this.#families = [...new Set(prefixes.map(prefix => prefix.family))];
    this.#pools = prefixes.map(prefix => new PrefixPool(prefix, lengths[prefix.family]));
  }

  /** How many nodes have prefixes. */
  get size(): number {
    return this.#nodes.size;
  }

  prefixesOf(node: string): readonly string[] | undefined {
    return this.#nodes.get(node)?.map(formatPrefix);
  }

  /** Takes over what a node already has; returns the names of other nodes that have some of the same addresses. */
  adopt(node: string, podPrefixes: readonly string[]): readonly string[] {
    this.release(node);
    // A prefix that cannot be read, or lies outside of the pools, cannot clash with one of ours.
    const prefixes = podPrefixes.map(parsePrefix).filter(prefix => prefix !== undefined);
    this.#nodes.set(node, prefixes);
    const clashes = prefixes.flatMap(prefix =>
      this.#poolsOf(prefix).flatMap(pool => pool.adopt(node, prefix)),
    );
    return [...new Set(clashes)];
  }

  /** The prefixes of a node; the same again for a node that has some. */
  allocate(node: string): Allocation {
    const held = this.#nodes.get(node);
    if (held !== undefined) return { outcome: 'allocated', prefixes: held.map(formatPrefix) };
    const taken: Prefix[] = [];
    this.#nodes.set(node, taken);
    for (const family of this.#families) {
      const prefix = this.#take(node, family);
      if (prefix === undefined) {
        this.release(node);
        return { outcome: 'exhausted', family };
      }
      taken.push(prefix);
    }
    return { outcome: 'allocated', prefixes: taken.map(formatPrefix) };
  }

  /** Returns whether the node had anything. */
  release(node: string): boolean {
    const prefixes = this.#nodes.get(node);
    if (prefixes === undefined) return false;
    for (const prefix of prefixes) for (const pool of this.#poolsOf(prefix)) pool.release(node, prefix);
    return this.#nodes.delete(node);
  }

  #take(node: string, family: Family): Prefix | undefined {
    for (const pool of this.#pools) {
      const prefix = pool.prefix.family === family ? pool.take(node) : undefined;
      if (prefix !== undefined) return prefix;
    }
    return undefined;
  }

  #poolsOf(prefix: Prefix): readonly PrefixPool[] {
    return this.#pools.filter(pool => overlaps(pool.prefix, prefix));
  }
}

function parsePodPrefixes(podPrefixes: readonly string[], lengths: NodePrefixLengths): readonly Prefix[] {
  const prefixes: Prefix[] = [];
  for (const [index, text] of podPrefixes.entries()) {
    const prefix = parsePrefix(text);
    const field = `podPrefixes[${index}]`;
    if (prefix === undefined) {
      throw new FairleadError('controller/bad-pod-prefix', `${JSON.stringify(text)} is no prefix.`, {
        field,
        hint: 'Write a network without host bits, such as 10.244.0.0/16 or fd00:10:244::/56.',
      });
    }
    const length = lengths[prefix.family];
    if (prefix.length > length) {
      throw new FairleadError(
        'controller/bad-pod-prefix',
        `${text} is smaller than the /${length} of one node.`,
        { field },
      );
    }
    const other = prefixes.find(one => overlaps(one, prefix));
    if (other !== undefined) {
      throw new FairleadError('controller/bad-pod-prefix', `${text} overlaps ${formatPrefix(other)}.`, {
        field,
      });
    }
    prefixes.push(prefix);
  }
  if (prefixes.length === 0) {
    throw new FairleadError('controller/bad-pod-prefix', 'There is no pod prefix to give to nodes.', {
      field: 'podPrefixes',
    });
  }
  return prefixes;
}
