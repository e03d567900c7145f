import { parsePrefix } from '../../../base/ip.ts';
import { defaults, interfaces, namespaces } from '../../../kernel/contract.ts';
import type { ClusterConfig } from '../../cluster.ts';

/** A bridge in the fabric, and the addresses with which the fabric is the gateway of its link. */
export interface LinkPlan {
  readonly bridge: string;
  /** With the length of the link's prefix: `172.30.255.254/16`. */
  readonly addresses: readonly string[];
}

/** A namespace on a link: a node, or the world outside the cluster. */
export interface MemberPlan {
  readonly namespace: string;
  /** The fabric's end of its cable; the member's end is `interfaces.uplink`. */
  readonly port: string;
  readonly bridge: string;
  readonly addresses: readonly string[];
  /** Where its default routes lead. */
  readonly gateways: readonly string[];
}

/**
 * ```
 *   node-1   node-3   world            node-2   node-4
 *     │        │        │                │        │       eth0, one cable each
 *   ══╧════════╧════════╧══ link1      ══╧════════╧══ link2
 *              │                              │
 *              └──────── fabric, a router ────┘── tap0 ── the host's networks (--outside)
 * ```
 * The fabric knows the links and nothing of pods, as a data centre's network: what is not on a link is unreachable.
 */
export interface NetworkPlan {
  readonly fabric: string;
  readonly links: readonly LinkPlan[];
  readonly members: readonly MemberPlan[];
  readonly outside: boolean;
}

export function planNetwork(config: ClusterConfig): NetworkPlan {
  const links = config.topology === 'two-links' ? ([1, 2] as const) : ([1] as const);
  const world: MemberPlan = {
    namespace: namespaces.world(config.name),
    port: 'world',
    ...placeOn(1, defaults.world),
  };
  return {
    fabric: namespaces.fabric(config.name),
    links: links.map(link => ({
      bridge: interfaces.link(link),
      addresses: withLengths(link, defaults.links[link].gateways),
    })),
    members: [
      ...config.nodes.map(node => ({
        namespace: namespaces.node(config.name, node.name),
        port: node.name,
        ...placeOn(node.link, node.addresses),
      })),
      world,
    ],
    outside: config.outside,
  };
}

/** The fabric's addresses at which nodes and pods reach the API server. */
export const apiServerAddresses = (config: ClusterConfig): readonly string[] =>
  planNetwork(config).links.flatMap(link => link.addresses.map(address => address.split('/')[0] ?? address));

function placeOn(link: 1 | 2, addresses: readonly string[]) {
  return {
    bridge: interfaces.link(link),
    addresses: withLengths(link, addresses),
    gateways: defaults.links[link].gateways,
  };
}

function withLengths(link: 1 | 2, addresses: readonly string[]): readonly string[] {
  const prefixes = defaults.links[link].prefixes.map(parsePrefix);
  return addresses.map(address => {
    const family = address.includes(':') ? 6 : 4;
    return `${address}/${prefixes.find(prefix => prefix?.family === family)?.length ?? 0}`;
  });
}
