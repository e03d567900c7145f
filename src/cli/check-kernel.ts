import { release } from 'node:os';
import { FairleadError } from '../base/errors.ts';
import { type ProbeResult, Prober, probes } from '../kernel/probe/index.ts';
import type { ClusterConfig } from '../standalone/cluster.ts';

/** What every cluster needs, and what only some do. */
const always = ['netns', 'veth', 'bridge', 'nftables-nat', 'cgroup2', 'cgroup-kill', 'overlayfs'];

/**
 * Tries what this cluster needs of the kernel and says how much was found. Throws with the name of the first feature that
 * is missing; what could not be told is left to the step that uses it.
 */
export function checkKernel(config: ClusterConfig): string {
  const needed = new Set([
    ...always,
    ...(config.topology === 'two-links' ? ['vxlan'] : []),
    ...(config.outside ? ['tun'] : []),
  ]);
  const results = new Prober(probes.filter(probe => needed.has(probe.name))).all();
  for (const result of results)
    if (result.outcome.is === 'unsupported') throw missing(result, result.outcome.reason);
  const unclear = results.filter(result => result.outcome.is === 'unknown').map(result => result.name);
  const doubt = unclear.length === 0 ? '' : `, could not tell: ${unclear.join(', ')}`;
  return `Linux ${release()} has ${results.length - unclear.length} of the ${results.length} features needed${doubt}`;
}

function missing({ name, since, purpose }: ProbeResult, reason: string): FairleadError {
  return new FairleadError(
    'kernel/missing-feature',
    `This kernel lacks ${name}, needed for ${purpose}: ${reason}`,
    {
      hint: `Use a kernel with it (Linux has it since ${since}; as a module: modprobe ${name.replaceAll('-', '_')}).`,
    },
  );
}
