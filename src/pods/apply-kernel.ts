import type { KernelWorker } from '../kernel/worker/index.ts';

/** What this block asks of a kernel: a KernelWorker in the node's network namespace, or a stand-in. */
export type PodKernel = Pick<
  KernelWorker,
  | 'netlink'
  | 'perform'
  | 'forgetConnections'
  | 'links'
  | 'addresses'
  | 'routes'
  | 'neighbours'
  | 'forwardingEntries'
  | 'nft'
  | 'nftList'
  | 'sysctls'
>;
