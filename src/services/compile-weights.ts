import { usableOf } from './decide.ts';
import type { Endpoint, ServicePart, WeightedService } from './model.ts';

/**
 * Slots of a table that is drawn from: more make weights finer, and take more room in the kernel. A weight that is off by
 * less than a thousandth is not told apart by those who count connections.
 */
const mostSlots = 1024;

/**
 * What one draw chooses from: each endpoint as often as its weight says. Without weights, or with equal ones, each once;
 * exact where the weights' ratios fit the table, else nearest to it, and none that has a weight is left out.
 */
export function slotsOf(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (endpoints.every(({ weight }) => weight === undefined)) return endpoints;
  const weights = endpoints.map(({ weight = 1 }) => weight);
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0) / divisor;
  const counts = total <= mostSlots ? weights.map(weight => weight / divisor) : apportion(weights, mostSlots);
  return endpoints.flatMap((endpoint, index) => Array.from({ length: counts[index] ?? 0 }, () => endpoint));
}

/** A Service that a route asks for, read as any other. A backend's weight is shared by its usable endpoints. */
export function readWeighted({ age, backends, frontends, key, route }: WeightedService): ServicePart {
  const usable = backends
    .map(({ endpoints, weight }) => ({ weight, ...usableOf(endpoints) }))
    .filter(({ endpoints, weight }) => weight > 0 && endpoints.length > 0);
  const scale = usable.reduce((all, { endpoints }) => leastCommonMultiple(all, endpoints.length), 1);
  const endpoints = usable.flatMap(({ endpoints: own, weight }) =>
    own.map((endpoint): Endpoint => ({ ...endpoint, weight: (weight * scale) / own.length })),
  );
  return {
    key,
    age,
    service: route,
    addresses: [],
    frontends: frontends.map(({ address, externalPolicy, port, protocol }) => ({
      address,
      protocol,
      port,
      portName: '',
      service: route,
      exposure: { of: 'external-ip', externalPolicy },
      endpoints: endpoints.filter(endpoint => endpoint.address.family === address.family),
    })),
    isAnnounced: false,
    problems: [],
  };
}

/** By largest remainders (Hamilton's method), after one slot each for those that would get none. */
function apportion(weights: readonly number[], slots: number): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map(weight => (weight / total) * slots);
  const counts = shares.map((share, index) =>
    (weights[index] ?? 0) > 0 ? Math.max(1, Math.floor(share)) : 0,
  );
  const byRemainder = shares
    .map((share, index) => ({ index, remainder: share - (counts[index] ?? 0) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  const missing = slots - counts.reduce((sum, count) => sum + count, 0);
  for (const { index } of byRemainder.slice(0, Math.max(0, missing)))
    counts[index] = (counts[index] ?? 0) + 1;
  return counts;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Bounded, so that weights stay whole numbers that are told apart: beyond it shares are a little off. */
function leastCommonMultiple(a: number, b: number): number {
  const found = (a / greatestCommonDivisor(a, b)) * b;
  return found <= 1_000_000 ? found : a;
}
