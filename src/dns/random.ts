import { getRandomValues } from 'node:crypto';

const drawn = 1024;

/**
 * Numbers in [0, 1) that nobody can foretell from those that were seen: ids and letters' case of questions to upstreams
 * are drawn from it, as are orders of addresses, which clients see. Drawn many at a time, for the price of `Math.random`.
 */
export function unpredictable(): () => number {
  const values = new Uint32Array(drawn);
  let at = drawn;
  return () => {
    if (at === drawn) {
      getRandomValues(values);
      at = 0;
    }
    return (values[at++] ?? 0) / 2 ** 32;
  };
}
