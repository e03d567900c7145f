import { nft } from '../kernel/contract.ts';
import type { CounterKernel } from './apply-counters.ts';
import { closedChain, dropChainOf, revokedChain } from './compile-nft.ts';
import type { PolicyProgram } from './compile-program.ts';
import type { Direction } from './model.ts';

/** Packets that were dropped since this process began to count: by groups of pods, of closed pods, and of cut connections. */
export type DropCounts = Readonly<Record<Direction | 'closed' | 'revoked', number>>;

/** One look-up each; on a node with more groups nothing is counted, rather than often. */
const mostChains = 4000;

/** Sums what the drop chains count, also of groups that are gone: chains come and go, and begin again at nothing. */
export class DropCounter {
  readonly #kernel: CounterKernel;
  readonly #namespacePath: string | undefined;
  readonly #totals = { egress: 0, ingress: 0, closed: 0, revoked: 0 };
  #seen: Map<string, number> | undefined;

  constructor(kernel: CounterKernel, namespacePath?: string) {
    this.#kernel = kernel;
    this.#namespacePath = namespacePath;
  }

  get totals(): DropCounts {
    return this.#totals;
  }

  /** Looks at the chains of the program and of these groups. What an earlier process counted is not counted again. */
  async read(
    program: PolicyProgram,
    groups: Iterable<{ readonly name: string; readonly direction: Direction }>,
  ): Promise<void> {
    const chains = new Map<string, keyof DropCounts>([
      [closedChain, 'closed'],
      [revokedChain, 'revoked'],
    ]);
    for (const { name, direction } of groups)
      if (program.chains.has(dropChainOf(name))) chains.set(dropChainOf(name), direction);
    if (chains.size > mostChains) return;
    const names = [...chains.keys()];
    const places = names.map(chain => ({ table: nft.tables.policy, chain }));
    const counters = await this.#kernel.nftCounters(places, this.#namespacePath);
    const seen = new Map<string, number>();
    for (const [index, chain] of names.entries()) {
      const packets = counters[index]?.packets;
      const where = chains.get(chain);
      if (packets === undefined || where === undefined) continue;
      seen.set(chain, packets);
      if (this.#seen === undefined) continue;
      const before = this.#seen.get(chain) ?? 0;
      this.#totals[where] += packets >= before ? packets - before : packets;
    }
    this.#seen = seen;
  }
}
