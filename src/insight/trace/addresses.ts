import { formatAddress, parseAddress } from '../../base/ip.ts';
import type { Pod } from '../../kube/types/pod.ts';

/** A pod's own addresses, those of its node where it has the node's network. */
export function addressesOf(pod: Pod): readonly string[] {
  const { podIP, podIPs } = pod.status ?? {};
  return (podIPs ?? (podIP === undefined ? [] : [{ ip: podIP }])).flatMap(({ ip }) => canonical(ip));
}

export function canonical(text: string): readonly string[] {
  const address = parseAddress(text);
  return address === undefined ? [] : [formatAddress(address)];
}

/** A literal address is no name. */
export const isAddress = (host: string): boolean => parseAddress(host) !== undefined;
