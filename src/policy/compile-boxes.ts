import { bitsOf, formatAddress } from '../base/ip.ts';
import type { Family, Prefix } from '../base/ip.ts';

/** Both ends belong to it. */
export interface Interval<N extends number | bigint> {
  readonly from: N;
  readonly to: N;
}

/** Addresses by ports. */
export interface Box {
  readonly addresses: Interval<bigint>;
  readonly ports: Interval<number>;
}

/** The same numbers as few intervals, sorted: neighbours are joined. */
export function mergeIntervals<N extends number | bigint>(
  intervals: readonly Interval<N>[],
): readonly Interval<N>[] {
  const sorted = intervals.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const merged: { from: N; to: N }[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last === undefined || BigInt(from) > BigInt(last.to) + 1n) merged.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return merged;
}

/** What of `prefix` is in none of `except`. */
export function withoutPrefixes(prefix: Prefix, except: readonly Prefix[]): readonly Interval<bigint>[] {
  const whole = intervalOf(prefix);
  const holes = mergeIntervals(except.map(intervalOf));
  const rest: Interval<bigint>[] = [];
  let from = whole.from;
  for (const hole of holes) {
    if (hole.from > from) rest.push({ from, to: hole.from - 1n });
    if (hole.to + 1n > from) from = hole.to + 1n;
  }
  if (from <= whole.to) rest.push({ from, to: whole.to });
  return rest;
}

function intervalOf(prefix: Prefix): Interval<bigint> {
  const size = 1n << BigInt(bitsOf(prefix.family) - prefix.length);
  return { from: prefix.value, to: prefix.value + size - 1n };
}

/**
 * The same points as boxes that do not overlap, in an order of their own: an interval set of nftables refuses elements
 * that do. Ports are cut at every bound, addresses are joined in each slice, and equal neighbours are joined again.
 */
export function disjoint(boxes: readonly Box[]): readonly Box[] {
  const bounds = new Set<number>();
  for (const { ports } of boxes) bounds.add(ports.from).add(ports.to + 1);
  const cuts = [...bounds].sort((a, b) => a - b);
  const result: Box[] = [];
  let open = new Map<string, { addresses: Interval<bigint>; from: number }>();
  for (const [index, from] of cuts.entries()) {
    const here = boxes.filter(({ ports }) => ports.from <= from && from <= ports.to);
    const slices = new Map<string, { addresses: Interval<bigint>; from: number }>();
    for (const addresses of mergeIntervals(here.map(box => box.addresses))) {
      const key = `${addresses.from}-${addresses.to}`;
      slices.set(key, open.get(key) ?? { addresses, from });
    }
    for (const [key, slice] of open)
      if (!slices.has(key))
        result.push({ addresses: slice.addresses, ports: { from: slice.from, to: from - 1 } });
    open = slices;
    if (index === cuts.length - 1) break;
  }
  return result;
}

/** As nft prints it: an address, a prefix where the interval is one, or both ends. */
export function formatAddresses(family: Family, { from, to }: Interval<bigint>): string {
  const text = (value: bigint) => formatAddress({ family, value });
  if (from === to) return text(from);
  const size = to - from + 1n;
  const isPrefix = (size & (size - 1n)) === 0n && from % size === 0n;
  return isPrefix
    ? `${text(from)}/${bitsOf(family) - (size.toString(2).length - 1)}`
    : `${text(from)}-${text(to)}`;
}

export const formatPorts = ({ from, to }: Interval<number>): string =>
  from === to ? String(from) : `${from}-${to}`;
