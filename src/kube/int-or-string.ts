import type { IntOrString } from './types/scalars.ts';

/**
 * A count, or a percentage of `total` (`25%`), as maxSurge and maxUnavailable give it. Undefined for any other string.
 */
export function scaledValue(value: IntOrString, total: number, round: 'up' | 'down'): number | undefined {
  if (typeof value === 'number') return value;
  const digits = /^(\d+)%$/.exec(value)?.[1];
  if (digits === undefined) return undefined;
  const exact = (Number(digits) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
