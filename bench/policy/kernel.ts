import { ConntrackSocket, NftElementSocket } from '../../src/kernel/netlink/index.ts';
import { Nft, runInChild } from '../../src/kernel/nft/index.ts';
import type { KernelWorker } from '../../src/kernel/worker/index.ts';
import type { PolicyNodeOptions } from '../../src/policy/index.ts';
import type { TestEnd } from '../../test/netns/kernel-fixture.ts';

export interface NodeKernel {
  readonly kernel: PolicyNodeOptions['kernel'];
  /** When the last change of the table was in force; milliseconds of `performance.now()`. */
  readonly writtenAt: () => number;
}

/** As in an agent's worker: more than this goes through a child. */
const charactersInProcess = 262_144;

/**
 * The kernel of a namespace by sockets that are opened once, as an agent has them for its own. Synchronous: what the
 * worker's thread costs is not in it.
 */
export function nodeKernel(context: TestEnd, worker: KernelWorker, router: string): NodeKernel {
  const nft = Nft.open(router);
  const elements = NftElementSocket.open(router);
  const conntrack = ConntrackSocket.open(router);
  context.after(() => {
    for (const socket of [nft, elements, conntrack]) socket.close();
  });
  let at = 0;
  const written = () => {
    at = performance.now();
  };
  return {
    kernel: {
      nft: async commands => {
        if (commands.length > charactersInProcess) await runInChild(commands, router);
        else nft.run(commands);
        written();
      },
      nftElements: changes => {
        elements.apply(changes);
        written();
        return Promise.resolve();
      },
      nftChunked: worker.nftChunked.bind(worker),
      nftTable: worker.nftTable.bind(worker),
      nftCounters: worker.nftCounters.bind(worker),
      connections: filters => Promise.resolve(conntrack.list(filters)),
      markConnections: (connections, mark) => Promise.resolve(conntrack.mark(connections, mark)),
    },
    writtenAt: () => at,
  };
}
