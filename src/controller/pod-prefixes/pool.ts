import { contains, overlaps, sizeOf, subnetAt } from '../../base/ip.ts';
import type { Prefix } from '../../base/ip.ts';

/** A cluster prefix that is cut into node prefixes of one length; knows which are taken, and by whom. */
export class PrefixPool {
  readonly prefix: Prefix;
  readonly #length: number;
  readonly #parts: bigint;
  readonly #owners = new Map<bigint, Set<string>>();
  /** Prefixes in this pool that nodes brought with them and that are no part of ours: wider, narrower. */
  readonly #foreign: { readonly prefix: Prefix; readonly node: string }[] = [];
  #next = 0n;

  /** `length` is that of node prefixes, at least that of the prefix. */
  constructor(prefix: Prefix, length: number) {
    this.prefix = prefix;
    this.#length = length;
    this.#parts = 1n << BigInt(length - prefix.length);
  }

  /**
   * The next free part after the one handed out last, so that a prefix that was given back rests for as long as
   * possible; undefined when all are taken.
   */
  take(node: string): Prefix | undefined {
    for (let index = this.#next, seen = 0n; seen < this.#parts;) {
      const part = subnetAt(this.prefix, this.#length, index);
      const blocked = this.#blockedFrom(index, part);
      if (blocked === 0n) {
        this.#owners.set(index, new Set([node]));
        this.#next = (index + 1n) % this.#parts;
        return part;
      }
      seen += blocked;
      index = (index + blocked) % this.#parts;
    }
    return undefined;
  }

  /** Records what a node has; returns other nodes that have some of the same addresses. */
  adopt(node: string, prefix: Prefix): readonly string[] {
    const others = this.#holdersOf(prefix).filter(holder => holder !== node);
    const index = this.#indexOf(prefix);
    if (index === undefined) this.#foreign.push({ prefix, node });
    else this.#owners.set(index, (this.#owners.get(index) ?? new Set()).add(node));
    return others;
  }

  release(node: string, prefix: Prefix): void {
    const index = this.#indexOf(prefix);
    if (index === undefined) {
      const at = this.#foreign.findIndex(one => one.node === node && overlaps(one.prefix, prefix));
      if (at >= 0) this.#foreign.splice(at, 1);
      return;
    }
    const owners = this.#owners.get(index);
    owners?.delete(node);
    if (owners?.size === 0) this.#owners.delete(index);
  }

  /** How many parts from `index` on cannot be had; 0 if the first is free. */
  #blockedFrom(index: bigint, part: Prefix): bigint {
    if (this.#owners.has(index)) return 1n;
    const foreign = this.#foreign.find(one => overlaps(one.prefix, part))?.prefix;
    if (foreign === undefined) return 0n;
    const end = (foreign.value + sizeOf(foreign) - this.prefix.value + sizeOf(part) - 1n) / sizeOf(part);
    return (end < this.#parts ? end : this.#parts) - index;
  }

  #holdersOf(prefix: Prefix): readonly string[] {
    const foreign = this.#foreign.filter(one => overlaps(one.prefix, prefix)).map(one => one.node);
    const index = this.#indexOf(prefix);
    if (index !== undefined) return [...(this.#owners.get(index) ?? []), ...foreign];
    const parts = [...this.#owners].filter(([at]) =>
      overlaps(subnetAt(this.prefix, this.#length, at), prefix),
    );
    return [...parts.flatMap(([, owners]) => [...owners]), ...foreign];
  }

  /** Which part a prefix is; undefined if it is none. */
  #indexOf(prefix: Prefix): bigint | undefined {
    if (prefix.length !== this.#length || !contains(this.prefix, prefix)) return undefined;
    return (prefix.value - this.prefix.value) / sizeOf(prefix);
  }
}
