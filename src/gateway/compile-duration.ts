const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A timer holds no more: 24 days. */
const LONGEST = 2 ** 31 - 1;

/** Milliseconds of a duration as `1h30m` (GEP-2257), at most what a timer holds; undefined for anything else. */
export function millisecondsOf(duration: string): number | undefined {
  if (!/^(\d{1,5}(h|m|s|ms)){1,4}$/.test(duration)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+)(ms|h|m|s)/g))
    sum += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return Math.min(sum, LONGEST);
}
