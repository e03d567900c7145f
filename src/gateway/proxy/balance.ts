import type { TableOptions } from '../table.ts';

export type Balance = NonNullable<TableOptions['balance']>;

interface Candidate {
  readonly hash: number;
  readonly active: number;
}

/**
 * One of the endpoints: the one with the fewest requests under way, of several the next after `turn`; or the one that is
 * always the same for a client, and stays so when others come and go (rendezvous hashing). Undefined where there are none.
 */
export function chooseBy<One extends Candidate>(
  balance: Balance,
  endpoints: readonly One[],
  client: string,
  turn: number,
): One | undefined {
  const own = balance === 'client-hash' ? hashOf(client) : 0;
  let best: One | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  for (let index = 0; index < endpoints.length; index++) {
    const endpoint = endpoints[(turn + index) % endpoints.length] as One; // below the length
    const score = balance === 'client-hash' ? mixed(own, endpoint.hash) : endpoint.active;
    if (score >= bestScore) continue;
    best = endpoint;
    bestScore = score;
  }
  return best;
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
  return hash >>> 0;
}

/** Every bit of both in every bit of the result (the finish of MurmurHash3). */
function mixed(one: number, other: number): number {
  let hash = one ^ Math.imul(other, 0x9e_37_79_b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
