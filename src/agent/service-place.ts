import { contains, formatAddress, parseInterface } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { LinkAddress } from '../kernel/netlink/index.ts';
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
