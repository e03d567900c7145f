/** The thread that waits for the kernel, for agents: netlink, nftables and bpf without blocking the main loop. */
export { KernelWorker } from './kernel-worker.ts';
export type { ChunkedOutcome, KernelWorkerOptions } from './kernel-worker.ts';
export type { KernelJob, KernelSetting, KernelStep } from './jobs.ts';
export { KernelCallError } from './messages.ts';
export type { KernelFacts } from './messages.ts';
