import { contains, overlaps, parseAddress, parsePrefix } from '../base/ip.ts';
import type { Address, Family, Prefix } from '../base/ip.ts';
import type { Node } from '../kube/types/node.ts';

/** What the container runtime calls a pod's network by; unique on a node. */
export interface AttachmentKey {
  readonly containerId: string;
  readonly interfaceName: string;
}

export interface PodReference {
  readonly namespace: string;
  readonly name: string;
  /** Empty where the runtime did not tell. */
  readonly uid: string;
}

/** A port of the node that leads to a port of the pod (core/v1 ContainerPort, CNI's `portMappings`). */
export interface HostPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /**
   * Which of the node's addresses; undefined: all of both families. The unspecified address stands for all of its
   * family.
   */
  readonly address: Address | undefined;
  readonly port: number;
  readonly containerPort: number;
}

/** A pod's interface on this node: its addresses, and the host's end of its veth. */
export interface Attachment extends AttachmentKey {
  readonly pod: PodReference;
  /** One a family at most, in the order of the node's pod prefixes. */
  readonly addresses: readonly Address[];
  readonly hostInterface: string;
  readonly mac: string;
  readonly hostPorts: readonly HostPort[];
}

/** What the data path needs to know of a node, taken from its Node object. */
export interface NodeNetwork {
  readonly name: string;
  /** At most one a family, the primary family first (`spec.podCIDRs`). */
  readonly podPrefixes: readonly Prefix[];
  /** `status.addresses` of type InternalIP, in their order. */
  readonly addresses: readonly Address[];
}

/** A link of this node that leads to other nodes. */
export interface Uplink {
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly { readonly address: Address; readonly length: number }[];
}

/** Something in an object that the data path cannot follow; the rest is programmed all the same. */
export interface Problem {
  /** `Kind/name`. */
  readonly object: string;
  readonly field: string;
  readonly sentence: string;
}

export interface Cluster {
  readonly self: NodeNetwork;
  /** Where the prefixes of nodes come from; empty where nobody tells. */
  readonly clusterPrefixes: readonly Prefix[];
  readonly peers: readonly NodeNetwork[];
  readonly uplinks: readonly Uplink[];
  readonly attachments: readonly Attachment[];
}

/** Reads a Node object. Nothing that it says is trusted to be well-formed or to make sense. */
export function readNode(node: Node): {
  readonly network: NodeNetwork;
  readonly problems: readonly Problem[];
} {
  const object = `Node/${node.metadata.name}`;
  const problems: Problem[] = [];
  const podPrefixes: Prefix[] = [];
  const listed = node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
  for (const [index, text] of listed.entries()) {
    const prefix = parsePrefix(text);
    const sentence = prefixProblem(text, prefix, podPrefixes);
    if (sentence !== undefined) problems.push({ object, field: `spec.podCIDRs[${index}]`, sentence });
    else if (prefix !== undefined) podPrefixes.push(prefix);
  }
  const addresses: Address[] = [];
  for (const [index, entry] of (node.status?.addresses ?? []).entries()) {
    if (entry.type !== 'InternalIP') continue;
    const address = parseAddress(entry.address);
    if (address === undefined || !isUnicast(address)) {
      const sentence = `"${entry.address}" is not an address of a host`;
      problems.push({ object, field: `status.addresses[${index}].address`, sentence });
    } else {
      addresses.push(address);
    }
  }
  return { network: { name: node.metadata.name, podPrefixes, addresses }, problems };
}

function prefixProblem(
  text: string,
  prefix: Prefix | undefined,
  before: readonly Prefix[],
): string | undefined {
  if (prefix === undefined) return `"${text}" is not a prefix`;
  if (before.some(other => other.family === prefix.family))
    return `"${text}" is a second prefix of its family; only the first is used`;
  if (prefix.length < 8) return `"${text}" is too large for the pods of one node`;
  if (reserved.some(other => overlaps(other, prefix)))
    return `"${text}" is reserved for links, loopback or multicast`;
  return undefined;
}

/** The address of a family that speaks for the node: the first. */
export function addressOf(node: NodeNetwork, family: Family): Address | undefined {
  return node.addresses.find(address => address.family === family);
}

export const same = (a: Address, b: Address): boolean => a.family === b.family && a.value === b.value;

const reserved: readonly Prefix[] = [
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
]
  .map(text => parsePrefix(text))
  .filter(prefix => prefix !== undefined);

function isUnicast(address: Address): boolean {
  return address.value !== 0n && !reserved.some(prefix => contains(prefix, address));
}
