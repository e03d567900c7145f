import { nft } from '../kernel/contract.ts';
import type { NftCounterPlace } from '../kernel/netlink/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { CounterPlace } from './compile-counters.ts';

export type CounterKernel = Pick<KernelWorker, 'nftCounters'>;

/** A place and what it has counted since it stands in the kernel. */
export interface PolicyCounter extends CounterPlace {
  readonly packets: number;
  readonly bytes: number;
}

/** One look-up a place; what is not in the kernel (any more) is left out. */
export async function readCounters<Place extends Pick<CounterPlace, 'chain' | 'element'>>(
  kernel: CounterKernel,
  places: readonly Place[],
  namespacePath?: string,
): Promise<readonly (Place & Pick<PolicyCounter, 'packets' | 'bytes'>)[]> {
  if (places.length === 0) return [];
  const table = nft.tables.policy;
  const counted = await kernel.nftCounters(
    places.map(({ chain, element }): NftCounterPlace =>
      element === undefined ? { table, chain } : { table, ...element, element: element.key },
    ),
    namespacePath,
  );
  return places.flatMap((place, index) => {
    const counter = counted[index];
    return counter === undefined ? [] : [{ ...place, ...counter }];
  });
}
