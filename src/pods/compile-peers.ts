import { contains, formatPrefix, prefixOf } from '../base/ip.ts';
import type { Address, Family } from '../base/ip.ts';
import { defaults, interfaces } from '../kernel/contract.ts';
import { addressOf } from './model.ts';
import type { NodeNetwork, Problem, Uplink } from './model.ts';
import type { ForwardingEntry, NeighbourEntry, RouteEntry, VxlanLink } from './compile-program.ts';

/** How the pods of one peer are reached in one family. */
export type Way =
  | { readonly kind: 'direct'; readonly uplink: string; readonly via: Address }
  | { readonly kind: 'vxlan'; readonly remote: Address };

export interface PeerRoutes {
  readonly vxlan: VxlanLink | undefined;
  readonly routes: readonly RouteEntry[];
  readonly neighbours: readonly NeighbourEntry[];
  readonly forwarding: readonly ForwardingEntry[];
  readonly problems: readonly Problem[];
}

/** Bytes of the outer headers: Ethernet 14, VXLAN 8 (RFC 7348), UDP 8, and IPv4 20 or IPv6 40. */
const vxlanOverhead = { 4: 50, 6: 70 } as const;

/** Peers on a link of ours are routed directly through their node address; all others through the VXLAN. */
export function compilePeers(
  self: NodeNetwork,
  peers: readonly NodeNetwork[],
  uplinks: readonly Uplink[],
): PeerRoutes {
  const vxlan = vxlanOf(self, uplinks);
  const result = {
    routes: [] as RouteEntry[],
    neighbours: [] as NeighbourEntry[],
    forwarding: [] as ForwardingEntry[],
    problems: [] as Problem[],
  };
  let tunnelled = false;
  for (const peer of peers) {
    for (const prefix of peer.podPrefixes) {
      const way = wayTo(peer, prefix.family, vxlan, uplinks);
      if (way === undefined) {
        const sentence = `no way to ${formatPrefix(prefix)}: the node shares no link with this one and has no address of the VXLAN's family`;
        result.problems.push({ object: `Node/${peer.name}`, field: 'status.addresses', sentence });
      } else if (way.kind === 'direct') {
        result.routes.push(withSource(self, { destination: prefix, device: way.uplink, via: way.via }));
      } else if (vxlan !== undefined) {
        tunnelled = true;
        const mac = vxlanMac(way.remote);
        // The peer's network address stands for its end of the tunnel; no pod has it.
        const gateway: Address = { family: prefix.family, value: prefix.value };
        result.routes.push(
          withSource(self, {
            destination: prefix,
            device: vxlan.name,
            via: gateway,
            onlink: true,
            mtu: vxlan.mtu,
          }),
        );
        result.neighbours.push({ device: vxlan.name, address: gateway, mac });
        result.forwarding.push({ device: vxlan.name, mac, remote: way.remote });
      }
    }
  }
  return { vxlan: tunnelled ? vxlan : undefined, ...result };
}

/** Undefined: neither a shared link nor an address that the VXLAN could send to. */
export function wayTo(
  peer: NodeNetwork,
  family: Family,
  vxlan: VxlanLink | undefined,
  uplinks: readonly Uplink[],
): Way | undefined {
  for (const via of peer.addresses) {
    if (via.family !== family) continue;
    const uplink = uplinks.find(candidate => isOnLink(candidate, via));
    if (uplink !== undefined) return { kind: 'direct', uplink: uplink.name, via };
  }
  const remote = vxlan === undefined ? undefined : addressOf(peer, vxlan.local.family);
  return remote === undefined ? undefined : { kind: 'vxlan', remote };
}

export function isOnLink(uplink: Uplink, address: Address): boolean {
  return uplink.addresses.some(own => contains(prefixOf(own.address, own.length), address));
}

/**
 * A VXLAN device sends over one family: IPv4 where the node has it, as its headers are smaller. It carries both families
 * of pods.
 */
export function vxlanOf(self: NodeNetwork, uplinks: readonly Uplink[]): VxlanLink | undefined {
  const local = addressOf(self, 4) ?? addressOf(self, 6);
  if (local === undefined) return undefined;
  const uplink = uplinks.find(candidate => isOnLink(candidate, local));
  const mtu = (uplink?.mtu ?? defaults.linkMtu) - vxlanOverhead[local.family];
  return { name: interfaces.vxlan, ...defaults.vxlan, local, mac: vxlanMac(local), mtu };
}

/** The largest prime below 2^40: addresses that are close to each other never share a remainder. */
const macModulus = 1_099_511_627_689n;

/**
 * The MAC of a node's VXLAN device, which every peer derives from the node's address by itself: nothing has to be
 * exchanged before the first packet. Locally administered, unicast.
 */
export function vxlanMac(address: Address): string {
  const digits = (address.value % macModulus).toString(16).padStart(10, '0');
  return `02:${digits.match(/../g)?.join(':') ?? ''}`;
}

function withSource(self: NodeNetwork, route: RouteEntry): RouteEntry {
  const source = addressOf(self, route.destination.family);
  return source === undefined ? route : { ...route, source };
}
