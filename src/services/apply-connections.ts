import { contains, parseAddress } from '../base/ip.ts';
import type { Connection } from '../kernel/netlink/index.ts';
import type { ClientCut, StaleFlow } from './compile-stale.ts';

/** What this asks of connection tracking in the node's network namespace. */
export interface ConnectionKernel {
  /** Ends tracked connections that one of the filters describes. */
  readonly forgetConnections: (flows: readonly StaleFlow[]) => Promise<number>;
  /** Tracked connections that one of the filters describes. */
  readonly connections: (
    filters: readonly Pick<ClientCut, 'protocol' | 'original'>[],
  ) => Promise<readonly Connection[]>;
  readonly deleteConnections: (connections: readonly Connection[]) => Promise<number>;
}

/**
 * Ends tracked flows that go on as rules had it which are no more. After the rules: a flow that is forgotten before would be
 * made again to the same place. What could not be ended is, the next time.
 */
export class OvertakenConnections {
  readonly #kernel: ConnectionKernel;
  #stale: StaleFlow[] = [];
  #cut: ClientCut[] = [];

  constructor(kernel: ConnectionKernel) {
    this.#kernel = kernel;
  }

  async end(stale: readonly StaleFlow[], cut: readonly ClientCut[]): Promise<void> {
    this.#stale.push(...stale);
    this.#cut.push(...cut);
    if (this.#stale.length > 0) await this.#kernel.forgetConnections(this.#stale);
    this.#stale = [];
    if (this.#cut.length > 0) await this.#cutClients(this.#cut);
    this.#cut = [];
  }

  async #cutClients(cuts: readonly ClientCut[]): Promise<void> {
    const found = await this.#kernel.connections(
      cuts.map(({ original, protocol }) => ({ original, protocol })),
    );
    const isCut = ({ original }: Connection) => {
      const source = parseAddress(original.source);
      const cut = cuts.find(
        one =>
          one.original.destination === original.destination &&
          one.original.destinationPort === original.destinationPort,
      );
      return cut !== undefined && source !== undefined && !cut.allowed.some(range => contains(range, source));
    };
    await this.#kernel.deleteConnections(found.filter(isCut));
  }
}
