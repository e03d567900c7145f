import { KernelCallError } from '../kernel/worker/index.ts';
import type { PodKernel } from './apply-kernel.ts';
import { readTable } from './apply-read.ts';
import type { ClusterSets, HostPortEntry } from './compile-program.ts';
import { compileRules, renderDelta, stateOf } from './compile-rules.ts';

/** UDP's number in IPv4 and IPv6. */
const udp = 17;

/**
 * Brings the node's ports of pods from one program to another, in one transaction that costs what changes. When somebody
 * else has changed the table meanwhile, it is read and brought to the same end.
 */
export async function applyHostPorts(
  kernel: PodKernel,
  before: ClusterSets,
  after: ClusterSets,
): Promise<void> {
  const wanted = compileRules(after);
  const change = renderDelta(stateOf(compileRules(before)), wanted);
  if (change === '') return;
  try {
    await kernel.nft(change);
  } catch (error) {
    if (!(error instanceof KernelCallError)) throw error;
    const whole = renderDelta((await readTable(kernel))?.state, wanted);
    if (whole !== '') await kernel.nft(whole);
  }
}

/**
 * Who sends datagrams to the port since before it was the pod's goes on to where they went until its tracked flow ends,
 * which is never while it sends: these flows are forgotten.
 */
export async function forgetEarlierFlows(
  kernel: PodKernel,
  entries: readonly HostPortEntry[],
): Promise<void> {
  const ports = entries.filter(({ protocol }) => protocol === 'udp');
  if (ports.length === 0) return;
  await kernel.forgetConnections(
    ports.map(({ port, to }) => ({
      family: to.family,
      protocol: udp,
      original: { destinationPort: port },
      reply: { sourcePort: port },
    })),
  );
}
