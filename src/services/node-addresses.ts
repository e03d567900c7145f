import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Node } from '../kube/types/node.ts';

/** By which others know a node, and where its node ports are found by default: the first InternalIP of each family. */
export function nodeAddressesOf(node: Node | undefined): readonly Address[] {
  const internal = (node?.status?.addresses ?? []).flatMap(({ type, address }) =>
    type === 'InternalIP' ? (parseAddress(address) ?? []) : [],
  );
  return ([4, 6] as const).flatMap(family => internal.find(address => address.family === family) ?? []);
}
