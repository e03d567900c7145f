import { FairleadError } from '../../../base/errors.ts';
import { interfaces } from '../../../kernel/contract.ts';
import { type RouteOperation, RouteSocket } from '../../../kernel/netlink/index.ts';
import { createNamespace, deleteNamespace, listNamespaces, namespacePath } from '../../../kernel/ns/index.ts';
import { setSysctl } from '../../../kernel/sysctl/index.ts';
import type { ClusterConfig } from '../../cluster.ts';
import { masqueradeOutside } from './masquerade.ts';
import { type LinkPlan, type MemberPlan, type NetworkPlan, planNetwork } from './plan.ts';

/** A route of the last resort loses against any other default route. */
const lastResortMetric = 0x7fff_ffff;
/** RTPROT_STATIC: to a node's agent these are the administrator's routes, not its own. */
const protocol = 4;

/** No waiting for addresses (RFC 4862, 5.4), no router advertisements, replies may come another way. */
const quietSettings: Readonly<Record<string, number>> = {
  'net.ipv6.conf.default.accept_dad': 0,
  'net.ipv6.conf.all.accept_dad': 0,
  'net.ipv6.conf.default.accept_ra': 0,
  'net.ipv4.conf.all.rp_filter': 0,
  'net.ipv4.conf.default.rp_filter': 0,
};

const routerSettings: Readonly<Record<string, number>> = {
  'net.ipv4.ip_forward': 1,
  'net.ipv6.conf.all.forwarding': 1,
  // Whoever asks for an address that is nowhere is told at once, each time.
  'net.ipv4.icmp_ratelimit': 0,
  'net.ipv6.icmp.ratelimit': 0,
};

/** Where br_netfilter is in the kernel, bridged frames would pass the IP hooks of the fabric. */
const bridgeSettings = ['iptables', 'ip6tables', 'arptables'].map(
  tables => `net.bridge.bridge-nf-call-${tables}`,
);

/**
 * Makes what is missing of the cluster's namespaces, bridges, cables, addresses and routes, and returns whether anything
 * was. Cables are made straight between namespaces: the host's own network never sees one.
 */
export function raiseNetwork(config: ClusterConfig): boolean {
  const plan = planNetwork(config);
  const madeFabric = ensureNamespace(plan.fabric);
  const madeMembers = plan.members.filter(member => ensureNamespace(member.namespace));
  raiseFabric(plan);
  for (const member of plan.members) raiseMember(member);
  return madeFabric || madeMembers.length > 0;
}

/** A name that an interrupted start left without its namespace is made anew. */
function ensureNamespace(name: string): boolean {
  if (listNamespaces(name).includes(name)) {
    if (isUsable(name)) return false;
    deleteNamespace(name);
  }
  const path = createNamespace(name);
  for (const [key, value] of Object.entries(quietSettings)) setSysctl(path, key, value);
  return true;
}

function isUsable(name: string): boolean {
  try {
    RouteSocket.open(namespacePath(name)).close();
    return true;
  } catch (error) {
    if (error instanceof FairleadError) return false;
    throw error;
  }
}

function raiseFabric(plan: NetworkPlan): void {
  const path = namespacePath(plan.fabric);
  for (const [key, value] of Object.entries(routerSettings)) setSysctl(path, key, value);
  for (const key of bridgeSettings) setWhereKnown(path, key, 0);
  using socket = RouteSocket.open(path);
  const present = new Set(socket.links().map(link => link.name));
  socket.apply([
    ...plan.links.flatMap(link => bridgeOperations(link, present)),
    ...plan.members.filter(member => !present.has(member.port)).map(cableOf),
    ...['0.0.0.0/0', '::/0'].map((dst): RouteOperation => ({
      do: 'route-replace',
      dst,
      type: 'unreachable',
      metric: lastResortMetric,
      protocol,
    })),
  ]);
  if (!plan.outside) return;
  // slirp4netns announces itself as IPv6 router on its tap interface, which comes later.
  setSysctl(path, 'net.ipv6.conf.default.accept_ra', 2);
  masqueradeOutside(path);
}

function bridgeOperations(link: LinkPlan, present: ReadonlySet<string>): readonly RouteOperation[] {
  const add: RouteOperation = {
    do: 'link-add',
    kind: 'bridge',
    name: link.bridge,
    up: true,
    forwardDelay: 0,
    multicastSnooping: false,
  };
  return [
    ...(present.has(link.bridge) ? [] : [add]),
    ...link.addresses.map((address): RouteOperation => ({
      do: 'address-add',
      dev: link.bridge,
      address,
      nodad: true,
    })),
  ];
}

const cableOf = (member: MemberPlan): RouteOperation => ({
  do: 'link-add',
  kind: 'veth',
  name: member.port,
  master: member.bridge,
  up: true,
  linkLocal: 'none',
  peer: { name: interfaces.uplink, namespace: namespacePath(member.namespace) },
});

function raiseMember(member: MemberPlan): void {
  using socket = RouteSocket.open(namespacePath(member.namespace));
  const dev = interfaces.uplink;
  socket.apply([
    { do: 'link-set', dev, up: true },
    ...member.addresses.map((address): RouteOperation => ({ do: 'address-add', dev, address, nodad: true })),
    ...member.gateways.map((via): RouteOperation => ({
      do: 'route-replace',
      dst: via.includes(':') ? '::/0' : '0.0.0.0/0',
      via,
      dev,
      protocol,
    })),
  ]);
}

function setWhereKnown(path: string, key: string, value: number): void {
  try {
    setSysctl(path, key, value);
  } catch (error) {
    if (!(error instanceof FairleadError) || error.code !== 'kernel/sysctl-missing') throw error;
  }
}
