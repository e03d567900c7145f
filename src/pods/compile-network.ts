import { contains, formatAddress, formatPrefix } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import { agreeingPeers } from './compile-agreement.ts';
import { compileHostSide } from './compile-attachment.ts';
import { compilePeers } from './compile-peers.ts';
import { forwardingKey, keyed, neighbourKey, routeKey } from './compile-program.ts';
import type { ClusterSets, NetworkProgram } from './compile-program.ts';
import type { Attachment, Cluster, NodeNetwork, Problem } from './model.ts';

export interface Compiled {
  readonly program: NetworkProgram;
  readonly problems: readonly Problem[];
}

/** The whole of a node's program for pods. The order of peers and attachments makes no difference. */
export function compileNetwork(cluster: Cluster): Compiled {
  const agreement = agreeingPeers(cluster.self, cluster.peers);
  const toPeers = compilePeers(cluster.self, agreement.peers, cluster.uplinks);
  const local = cluster.attachments.map(attachment => compileHostSide(cluster.self, attachment));
  return {
    program: {
      vxlan: toPeers.vxlan,
      routes: keyed([...toPeers.routes, ...local.flatMap(side => side.routes)], routeKey),
      neighbours: keyed([...toPeers.neighbours, ...local.flatMap(side => side.neighbours)], neighbourKey),
      forwarding: keyed(toPeers.forwarding, forwardingKey),
      sets: compileSets(cluster.self, agreement.peers, cluster.attachments),
    },
    problems: [...agreement.problems, ...toPeers.problems],
  };
}

/** Prefixes that do not touch each other's addresses, in a fixed order; pods outside of their node's prefixes count too. */
function compileSets(
  self: NodeNetwork,
  peers: readonly NodeNetwork[],
  attachments: readonly Attachment[],
): ClusterSets {
  const prefixes = [self, ...peers].flatMap(node => node.podPrefixes);
  const strays = attachments
    .flatMap(attachment => attachment.addresses)
    .filter(address => !prefixes.some(prefix => contains(prefix, address)))
    .map(address => ({ ...address, length: address.family === 4 ? 32 : 128 }));
  return {
    pods: unique([...prefixes, ...strays], formatPrefix),
    nodes: unique(
      [self, ...peers].flatMap(node => node.addresses),
      formatAddress,
    ),
  };
}

function unique<T extends Address | Prefix>(entries: readonly T[], nameOf: (entry: T) => string): readonly T[] {
  const named = new Map(entries.map(entry => [nameOf(entry), entry]));
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}
