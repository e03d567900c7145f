import { addressAt, bitsOf, sizeOf } from '../../base/ip.ts';
import type { Address, Prefix } from '../../base/ip.ts';

/** What decides which address of one range is given out next. Addresses are their values, as in `Address.value`. */
export interface RangeState {
  readonly range: Prefix;
  /** The address given out last; undefined for a range that was never used. */
  readonly lastUsed: bigint | undefined;
  readonly taken: ReadonlySet<bigint>;
  /** Released addresses and when, in milliseconds since the epoch. */
  readonly released: ReadonlyMap<bigint, number>;
}

/**
 * The next free address after the one used last, so that an address rests as long as the range allows. One that was
 * released less than `quarantine` milliseconds ago is passed over: caches and connection tracking may still know its last
 * owner. When nothing else is left, the one that rests longest is taken. Undefined: every address is taken.
 */
export function nextAddress(state: RangeState, now: number, quarantine: number): Address | undefined {
  const { first, count } = usable(state.range);
  const start = state.lastUsed === undefined ? 0n : state.lastUsed - first + 1n;
  let oldest: { value: bigint; at: number } | undefined;
  // Passes over at most every taken and every resting address, so its length does not depend on the range's size.
  for (let step = 0n; step < count; step++) {
    const value = first + ((((start + step) % count) + count) % count);
    if (state.taken.has(value)) continue;
    const at = state.released.get(value);
    if (at === undefined || now - at >= quarantine) return { family: state.range.family, value };
    if (oldest === undefined || at < oldest.at) oldest = { value, at };
  }
  return oldest === undefined ? undefined : { family: state.range.family, value: oldest.value };
}

/**
 * The addresses of a range that a pod may have: not IPv4's network and broadcast address (RFC 919), not IPv6's subnet-router
 * anycast address (RFC 4291, 2.6.1). Ranges of one or two addresses have neither (RFC 3021, RFC 6164).
 */
export function usable(range: Prefix): { readonly first: bigint; readonly count: bigint } {
  const size = sizeOf(range);
  if (bitsOf(range.family) - range.length <= 1) return { first: range.value, count: size };
  const reserved = range.family === 4 ? 2n : 1n;
  return { first: addressAt(range, 1n).value, count: size - reserved };
}
