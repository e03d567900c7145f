/**
 * What can be changed in a network namespace, as plain data. Links are named, never numbered, so that an operation may
 * follow the one that makes its link. Adding what is there replaces it (links are refused instead); deleting what is
 * absent is fine: operations may be repeated.
 */
export type RouteOperation =
  | LinkAdd
  | LinkSet
  | { readonly do: 'link-delete'; readonly dev: string }
  | LinksDelete
  | AddressAdd
  | { readonly do: 'address-delete'; readonly dev: string; readonly address: string }
  | RouteReplace
  | RouteDelete
  | RuleAdd
  | RuleDelete
  | NeighbourReplace
  | { readonly do: 'neighbour-delete'; readonly dev: string; readonly address: string }
  | ProxyEntry
  | ForwardingReplace
  | ForwardingDelete;

export interface LinkSettings {
  readonly mtu?: number;
  readonly mac?: string;
  readonly up?: boolean;
}

/** What only a link in the socket's namespace can be given. */
interface NearSettings {
  /** Stays with the link and is read back after a restart. */
  readonly alias?: string;
  /** `none` keeps the kernel from giving the link a link-local IPv6 address of its own. */
  readonly linkLocal?: 'eui64' | 'none';
}

interface LinkAddBase extends LinkSettings, NearSettings {
  readonly do: 'link-add';
  readonly name: string;
  /** The path of the network namespace that it is made in; default: the socket's. */
  readonly namespace?: string;
  /** The name of the bridge that it joins. */
  readonly master?: string;
}

export type LinkAdd = LinkAddBase &
  (
    | { readonly kind: 'veth'; readonly peer: VethPeer }
    | {
        readonly kind: 'bridge';
        readonly forwardDelay?: number /* hundredths of a second */;
        readonly multicastSnooping?: boolean;
      }
    | ({ readonly kind: 'vxlan' } & VxlanSettings)
    | { readonly kind: 'dummy' | 'ifb' }
  );

/** The other end, made in the same step, in another namespace if wanted. Only a socket there can bring it up. */
export interface VethPeer extends Omit<LinkSettings, 'up'> {
  readonly name: string;
  readonly namespace?: string;
}

export interface VxlanSettings {
  /** The network identifier (VNI). */
  readonly id: number;
  /** UDP destination port. */
  readonly port: number;
  /** Source address of the outer packets; its family is that of the tunnel. */
  readonly local?: string;
  /** The link that it goes out by. */
  readonly underlay?: string;
  /** Default false: neighbours and forwarding entries are permanent. */
  readonly learning?: boolean;
}

export interface LinkSet extends LinkSettings, NearSettings {
  readonly do: 'link-set';
  readonly dev: string;
  readonly name?: string;
  /** A bridge's name; null leaves it. */
  readonly master?: string | null;
  /** Moves it to the network namespace at this path; name and addresses must be free there. */
  readonly namespace?: string;
}

/**
 * Deletes many links in one step of the kernel, by way of the contract's `linkGroups.deletion`: it waits once for its
 * readers, not once for each link, which takes 20 ms on a small machine.
 */
export interface LinksDelete {
  readonly do: 'links-delete';
  readonly devs: readonly string[];
}

export interface AddressAdd {
  readonly do: 'address-add';
  readonly dev: string;
  /** With prefix length: `10.244.1.5/32`. */
  readonly address: string;
  /** IPv6: usable at once, without duplicate address detection (RFC 4862, 5.4). */
  readonly nodad?: boolean;
  readonly scope?: Scope;
  /** No route to the prefix is made. */
  readonly noPrefixRoute?: boolean;
}

export type Scope = 'global' | 'link' | 'host' | 'nowhere';

/** What tells routes apart, besides the namespace: one destination, table and metric. */
export interface RouteKey {
  /** `10.0.0.0/8`, `::/0`. */
  readonly dst: string;
  /** Default 254, the main table. */
  readonly table?: number;
  /** Priority; the kernel's default is 0 for IPv4 and 1024 for IPv6. */
  readonly metric?: number;
}

export interface RouteReplace extends RouteKey {
  readonly do: 'route-replace';
  /** Default unicast. The others need neither `dev` nor `via`. */
  readonly type?: 'unicast' | 'unreachable' | 'blackhole' | 'prohibit' | 'local';
  readonly dev?: string;
  /** The next hop; an IPv6 one is allowed for IPv4 destinations. */
  readonly via?: string;
  /** The next hop is on `dev` even if no address of ours says so. */
  readonly onlink?: boolean;
  /** Preferred source address. */
  readonly src?: string;
  readonly scope?: Scope;
  readonly mtu?: number;
  /** The segment size that TCP announces. */
  readonly advmss?: number;
  /** Who installed it; default `routing.protocol` of the contract. */
  readonly protocol?: number;
}

export interface RouteDelete extends RouteKey {
  readonly do: 'route-delete';
  readonly type?: RouteReplace['type'];
  readonly dev?: string;
  readonly via?: string;
}

export interface RuleKey {
  readonly family: 4 | 6;
  /** Lower is earlier. */
  readonly priority: number;
  readonly table?: number;
  readonly from?: string;
  readonly to?: string;
  readonly incoming?: string;
  readonly outgoing?: string;
  readonly mark?: number;
  readonly mask?: number;
  /** Default: look up `table`. */
  readonly action?: 'table' | 'unreachable' | 'blackhole' | 'prohibit';
  readonly protocol?: number;
}

export type RuleAdd = RuleKey & { readonly do: 'rule-add' };
export type RuleDelete = RuleKey & { readonly do: 'rule-delete' };

export interface NeighbourReplace {
  readonly do: 'neighbour-replace';
  readonly dev: string;
  readonly address: string;
  readonly mac: string;
  /** Default permanent: never asked, never aged. */
  readonly state?: 'permanent' | 'reachable' | 'stale' | 'noarp';
  readonly protocol?: number;
}

/**
 * Whether the node answers neighbour solicitations for an IPv6 address that is not its own (RFC 4861, 7.2.8), and ARP
 * requests for an IPv4 one that it routes to another link. `proxy_ndp` of the link has to be on.
 */
export interface ProxyEntry {
  readonly do: 'proxy-replace' | 'proxy-delete';
  readonly dev: string;
  readonly address: string;
}

/** A forwarding entry of a bridge port, or of a VXLAN link (`via` is the tunnel's far end). */
export interface ForwardingReplace {
  readonly do: 'fdb-replace';
  readonly dev: string;
  /** 00:00:00:00:00:00 is the default entry of a VXLAN link. */
  readonly mac: string;
  readonly via?: string;
  /** Keeps other far ends of the same MAC address (flooding); default false. */
  readonly append?: boolean;
  /** The entry belongs to the bridge above the port, not to the link itself. */
  readonly ofBridge?: boolean;
}

export interface ForwardingDelete {
  readonly do: 'fdb-delete';
  readonly dev: string;
  readonly mac: string;
  readonly via?: string;
  readonly ofBridge?: boolean;
}

/** For error messages: what was tried, in the words of iproute2. */
export function describeOperation(operation: RouteOperation): string {
  switch (operation.do) {
    case 'link-add':
      return `add the ${operation.kind} link ${operation.name}`;
    case 'link-set':
      return `change the link ${operation.dev}`;
    case 'link-delete':
      return `delete the link ${operation.dev}`;
    case 'links-delete':
      return `delete ${operation.devs.length} links`;
    case 'address-add':
      return `add the address ${operation.address} to ${operation.dev}`;
    case 'address-delete':
      return `delete the address ${operation.address} of ${operation.dev}`;
    case 'route-replace':
    case 'route-delete':
      return `${operation.do === 'route-delete' ? 'delete' : 'install'} the ${routeWords(operation)}`;
    case 'rule-add':
    case 'rule-delete':
      return `${operation.do === 'rule-add' ? 'add' : 'delete'} the IPv${operation.family} rule ${operation.priority}`;
    case 'neighbour-replace':
    case 'neighbour-delete':
      return `${operation.do === 'neighbour-delete' ? 'delete' : 'set'} the neighbour ${operation.address} on ${operation.dev}`;
    case 'proxy-replace':
    case 'proxy-delete':
      return `${operation.do === 'proxy-delete' ? 'stop answering' : 'answer'} for ${operation.address} on ${operation.dev}`;
    case 'fdb-replace':
    case 'fdb-delete':
      return `${operation.do === 'fdb-delete' ? 'delete' : 'set'} the forwarding entry ${operation.mac} on ${operation.dev}`;
  }
}

function routeWords(route: RouteReplace | RouteDelete): string {
  const type = route.type === undefined || route.type === 'unicast' ? '' : `${route.type} `;
  const via = route.via === undefined ? '' : ` via ${route.via}`;
  const dev = route.dev === undefined ? '' : ` dev ${route.dev}`;
  return `${type}route to ${route.dst}${via}${dev}`;
}
