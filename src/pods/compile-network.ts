import { bitsOf, contains, formatAddress, formatPrefix } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import { agreeingPeers } from './compile-agreement.ts';
import { compileHostSide } from './compile-attachment.ts';
import { compileHostPorts, sortHostPorts } from './compile-host-ports.ts';
import { compilePeers } from './compile-peers.ts';
import { forwardingKey, keyed, neighbourKey, routeKey } from './compile-program.ts';
import type { ClusterSets, NetworkProgram } from './compile-program.ts';
import { addressOf } from './model.ts';
import type { Cluster, NodeNetwork, Problem } from './model.ts';

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
      sets: compileSets(cluster, agreement.peers),
    },
    problems: [...agreement.problems, ...toPeers.problems],
  };
}

/** Prefixes that do not touch each other's addresses, in a fixed order; pods outside of their node's prefixes count too. */
function compileSets(cluster: Cluster, peers: readonly NodeNetwork[]): ClusterSets {
  const { self, clusterPrefixes, attachments } = cluster;
  const outside = (address: Address, prefixes: readonly Prefix[]) =>
    !prefixes.some(prefix => contains(prefix, address));
  const foreign = [self, ...peers]
    .flatMap(node => node.podPrefixes)
    .filter(prefix => outside(prefix, clusterPrefixes));
  const prefixes = [...clusterPrefixes, ...foreign];
  const strays = attachments
    .flatMap(attachment => attachment.addresses)
    .filter(address => outside(address, prefixes))
    .map(address => ({ ...address, length: bitsOf(address.family) }));
  const onLinks = cluster.uplinks.flatMap(uplink => uplink.addresses.map(({ address }) => address));
  return {
    pods: unique([...prefixes, ...strays], formatPrefix),
    nodes: unique(
      [self, ...peers].flatMap(node => node.addresses),
      formatAddress,
    ),
    local: unique([...self.addresses, ...onLinks], formatAddress),
    self: ([4, 6] as const).map(family => addressOf(self, family)).filter(address => address !== undefined),
    hostPorts: sortHostPorts(attachments.flatMap(compileHostPorts)),
  };
}

function unique<T extends Address | Prefix>(
  entries: readonly T[],
  nameOf: (entry: T) => string,
): readonly T[] {
  const named = new Map(entries.map(entry => [nameOf(entry), entry]));
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}
