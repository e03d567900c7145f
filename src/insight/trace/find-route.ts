import { contains, formatAddress, parseAddress, prefixOf } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import { vxlanOf, wayTo } from '../../pods/index.ts';
import type { NodeNetwork, Uplink } from '../../pods/index.ts';
import type { TracedCluster } from './cluster.ts';
import type { Place, Way } from './hops.ts';

export interface FoundRoute {
  readonly way: Way;
  readonly sentence: string;
}

/** How packets get from one end to the other, by what every node's agent makes of the Node objects. */
export function findRoute(cluster: TracedCluster, from: Place, to: Place): FoundRoute {
  const isItself = from.pod !== undefined && from.pod === to.pod;
  if (isItself) return { way: 'same-pod', sentence: `${from.pod} reaches itself` };
  const address = parseAddress(to.address);
  if (address === undefined) return { way: 'none', sentence: `"${to.address}" is no address` };
  if (to.node === undefined) return outside(cluster, address);
  if (from.node === undefined) return fromOutside(cluster, to, address);
  if (from.node === to.node) return { way: 'same-node', sentence: `both are on ${to.node}` };
  const [self, peer] = [cluster.nodes.get(from.node), cluster.nodes.get(to.node)];
  if (self === undefined || peer === undefined)
    return { way: 'none', sentence: `there is no Node ${self === undefined ? from.node : to.node}` };
  return betweenNodes(cluster, self, peer, to, address);
}

function betweenNodes(
  cluster: TracedCluster,
  self: NodeNetwork,
  peer: NodeNetwork,
  to: Place,
  address: Address,
): FoundRoute {
  const uplinks = uplinksOf(cluster, self);
  const other = `${self.name} → ${peer.name}`;
  if (uplinks.length === 0) return { way: 'other-node', sentence: `${other}; the API does not tell how` };
  const isNode = peer.addresses.some(own => formatAddress(own) === to.address);
  if (!isNode && !peer.podPrefixes.some(prefix => contains(prefix, address)))
    return { way: 'none', sentence: `${to.address} is in no pod prefix of ${peer.name}` };
  const way = wayTo(peer, address.family, vxlanOf(self, uplinks), uplinks);
  if (way?.kind === 'direct')
    return {
      way: 'direct',
      sentence: `${other}, directly on ${way.uplink} by ${formatAddress(way.via)}`,
    };
  if (isNode) return { way: 'router', sentence: `${other}, by the router between their links` };
  if (way === undefined)
    return { way: 'none', sentence: `${other} have no link in common, and no address for a VXLAN` };
  return { way: 'vxlan', sentence: `${other}, by VXLAN to ${formatAddress(way.remote)}` };
}

function fromOutside(cluster: TracedCluster, to: Place, address: Address): FoundRoute {
  if (cluster.nodesByAddress.has(to.address))
    return { way: 'direct', sentence: `from outside to the node ${to.node ?? ''}` };
  const prefix = to.node === undefined ? undefined : cluster.nodes.get(to.node)?.podPrefixes;
  const isPod = prefix?.some(one => contains(one, address)) === true || to.pod !== undefined;
  return isPod
    ? { way: 'none', sentence: `nothing outside the cluster has a route to ${to.address}` }
    : { way: 'leaves-cluster', sentence: `${to.address} is not in the cluster` };
}

function outside(cluster: TracedCluster, address: Address): FoundRoute {
  const text = formatAddress(address);
  const link = cluster.objects.facts.links.find(({ prefixes }) =>
    prefixes.some(prefix => contains(prefix, address)),
  );
  if (link !== undefined) return { way: 'leaves-cluster', sentence: `${text} is on ${link.name}` };
  return { way: 'leaves-cluster', sentence: `${text} is not in the cluster: it leaves by the node's routes` };
}

/** The links that a node stands on, as its agent reads them from its interfaces. */
function uplinksOf({ objects }: TracedCluster, node: NodeNetwork): readonly Uplink[] {
  return objects.facts.links.flatMap(({ name, prefixes }) => {
    const addresses = prefixes.flatMap(prefix =>
      node.addresses
        .filter(address => contains(prefix, address))
        .map(address => ({ address, length: prefixOf(address, prefix.length).length })),
    );
    return addresses.length === 0 ? [] : [{ name, mtu: 1500, addresses }];
  });
}
