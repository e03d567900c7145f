import { contains, formatAddress, formatPrefix, parseInterface, parsePrefix } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { LinkAddress } from '../kernel/netlink/index.ts';
import type { ServiceCIDR } from '../kube/types/networking.ts';
import type { Node } from '../kube/types/node.ts';
import { nodeAddressesOf } from '../services/index.ts';
import type { ServicePlace } from '../services/index.ts';

const ZONE = 'topology.kubernetes.io/zone';

/**
 * What of a node changes where its Services lead. Node ports are found at the first InternalIP of each family or, where
 * prefixes are given, at each address of the node that lies in one of them; never at loopback.
 */
export function servicePlaceOf(
  name: string,
  node: Node | undefined,
  nodePortPrefixes: readonly Prefix[] | undefined,
  own: readonly Pick<LinkAddress, 'address' | 'scope'>[],
  servicePrefixes: readonly Prefix[],
): ServicePlace {
  const addresses = nodeAddressesOf(node);
  return {
    node: name,
    addresses,
    servicePrefixes,
    zone: node?.metadata.labels?.[ZONE],
    nodePortAddresses: nodePortPrefixes === undefined ? addresses : addressesIn(nodePortPrefixes, own),
  };
}

/** Those that the agent was told, and those of ServiceCIDRs; what is no prefix in one is left out. */
export function servicePrefixesOf(told: readonly Prefix[], cidrs: readonly ServiceCIDR[]): readonly Prefix[] {
  const texts = cidrs.flatMap(({ spec }) => spec?.cidrs ?? []);
  const all = [...told, ...texts.flatMap(text => parsePrefix(text) ?? [])];
  const unique = [...new Map(all.map(prefix => [formatPrefix(prefix), prefix])).values()];
  // The kernel's set takes no range twice: one inside of another goes without saying.
  return unique.filter(
    prefix =>
      !unique.some(other => other !== prefix && other.length < prefix.length && contains(other, prefix)),
  );
}

function addressesIn(
  prefixes: readonly Prefix[],
  own: readonly Pick<LinkAddress, 'address' | 'scope'>[],
): readonly Address[] {
  const found = own.flatMap(({ address, scope }) => {
    const parsed = parseInterface(address)?.address;
    const isIn = parsed !== undefined && prefixes.some(prefix => contains(prefix, parsed));
    return isIn && scope === 'global' ? [parsed] : [];
  });
  return found.toSorted((a, b) => (formatAddress(a) < formatAddress(b) ? -1 : 1));
}
