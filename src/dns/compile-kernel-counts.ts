import { lengths } from './compile-kernel.ts';

/** What the kernel did with questions of one family of addresses; octets are those of DNS messages. */
export interface KernelCounts {
  /** By the question's type, A and AAAA, and then: with addresses, without any, no such name. */
  readonly answers: readonly [readonly number[], readonly number[]];
  /** Left to the server, by why. */
  readonly passed: Readonly<Record<(typeof reasons)[number], number>>;
  readonly dnssec: number;
  readonly questions: Sizes;
  readonly sent: Sizes;
}

/** Of IPv4 and of IPv6. */
export type KernelFamilies = readonly [KernelCounts, KernelCounts];

/** By the buckets of the metrics, in octets: 0, 100, 200, 300, 400, 511, 1023. */
export interface Sizes {
  readonly buckets: readonly number[];
  readonly octets: number;
}

export const reasons = ['not-allowed', 'unusual', 'other-type', 'unknown', 'no-room', 'changing'] as const;
const outcomes = 3;
const sizes = 7;

/** `value` has the counts of each processor, one after the other; bpf/dns-maps.h has the shape. */
export function readCounts(value: Uint8Array): KernelCounts {
  const words = lengths.counts / 8;
  const sums = Array.from({ length: words }, () => 0);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  for (let at = 0; at + lengths.counts <= value.length; at += lengths.counts)
    for (let index = 0; index < words; index++)
      sums[index] = (sums[index] ?? 0) + Number(view.getBigUint64(at + 8 * index, true));
  let at = 0;
  const take = (count: number) => sums.slice(at, (at += count));
  const answers = [take(outcomes), take(outcomes)] as const;
  const counted = take(reasons.length);
  const passed = Object.fromEntries(reasons.map((reason, index) => [reason, counted[index] ?? 0])) as Record<
    (typeof reasons)[number],
    number
  >; // all of its keys
  const [dnssec = 0] = take(1);
  const sizesOf = (): Sizes => {
    const buckets = take(sizes);
    const [octets = 0] = take(1);
    return { buckets, octets };
  };
  return { answers, passed, dnssec, questions: sizesOf(), sent: sizesOf() };
}
