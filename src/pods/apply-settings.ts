import { getSysctl } from '../kernel/sysctl/index.ts';
import type { PodKernel } from './apply-kernel.ts';
import type { Uplink } from './model.ts';

type Setting = readonly [key: string, value: number];

/**
 * Makes the node a router for its pods. Returns how many settings were not as they have to be.
 *
 * Replies may come in by another link than the one that leads back (a tunnelled request is answered directly), so the
 * way back is not checked strictly on the node's links. A router ignores advertisements of others unless it is told not to
 * (accept_ra 2), and a node may have its own default route from them.
 */
export async function applySettings(kernel: PodKernel, uplinks: readonly Uplink[]): Promise<number> {
  const wanted: Setting[] = [];
  for (const { name } of uplinks) {
    if (getSysctl(undefined, `net/ipv4/conf/${name}/rp_filter`) === '1')
      wanted.push([`net/ipv4/conf/${name}/rp_filter`, 2]);
    if (getSysctl(undefined, `net/ipv6/conf/${name}/accept_ra`) === '1')
      wanted.push([`net/ipv6/conf/${name}/accept_ra`, 2]);
  }
  const wrong = always.filter(([key, value]) => getSysctl(undefined, key) !== String(value));
  if (wanted.length + wrong.length > 0) await kernel.sysctls([...wanted, ...wrong]);
  return wanted.length + wrong.length;
}

const always: readonly Setting[] = [
  ['net/ipv4/conf/all/rp_filter', 0],
  ['net/ipv4/conf/default/rp_filter', 0],
  ['net/ipv4/ip_forward', 1],
  ['net/ipv6/conf/all/forwarding', 1],
];
