import { formatAddress, formatPrefix } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { HostPort } from './model.ts';

/** What a node's kernel shall have for pods: plain data, printable and comparable, keyed so that a diff is by key. */
export interface NetworkProgram {
  readonly vxlan: VxlanLink | undefined;
  readonly routes: ReadonlyMap<string, RouteEntry>;
  readonly neighbours: ReadonlyMap<string, NeighbourEntry>;
  readonly forwarding: ReadonlyMap<string, ForwardingEntry>;
  readonly sets: ClusterSets;
}

/** In L3 mode: nothing is learnt and nothing is flooded; every peer has its entries. */
export interface VxlanLink {
  readonly name: string;
  readonly id: number;
  readonly port: number;
  readonly local: Address;
  readonly mac: string;
  readonly mtu: number;
}

export interface RouteEntry {
  readonly destination: Prefix;
  readonly device: string;
  readonly via?: Address;
  /** The gateway is taken as a neighbour although no address of the device covers it. */
  readonly onlink?: boolean;
  /** What a process of the node itself sends from. */
  readonly source?: Address;
  readonly mtu?: number;
}

/** A permanent neighbour: nobody has to be asked, so nobody can answer falsely. */
export interface NeighbourEntry {
  readonly device: string;
  readonly address: Address;
  readonly mac: string;
}

/** Behind which host a MAC of the VXLAN is. */
export interface ForwardingEntry {
  readonly device: string;
  readonly mac: string;
  readonly remote: Address;
}

/** What the rules look up: who belongs to the cluster, and which ports of the node are those of pods. */
export interface ClusterSets {
  /** Whom a pod reaches with its own address. */
  readonly pods: readonly Prefix[];
  readonly nodes: readonly Address[];
  /** Where the ports of pods are found: the addresses of the node's links. Those of Services are on none. */
  readonly local: readonly Address[];
  /** One a family: whom a pod sees where it must not see the true source. */
  readonly self: readonly Address[];
  readonly hostPorts: readonly HostPortEntry[];
}

/** One port of the node in one family. */
export interface HostPortEntry {
  /** The veth of its pod. */
  readonly device: string;
  readonly protocol: HostPort['protocol'];
  /** One address of the node; undefined: all of the pod address's family. */
  readonly address: Address | undefined;
  readonly port: number;
  readonly to: Address;
  readonly toPort: number;
}

export const routeKey = (route: RouteEntry): string => formatPrefix(route.destination);
export const neighbourKey = (entry: NeighbourEntry): string =>
  `${entry.device} ${formatAddress(entry.address)}`;
export const forwardingKey = (entry: ForwardingEntry): string => `${entry.device} ${entry.mac}`;

export const sameAddress = (a: Address | undefined, b: Address | undefined): boolean =>
  a?.family === b?.family && a?.value === b?.value;

export const sameRoute = (a: RouteEntry, b: RouteEntry): boolean =>
  a.device === b.device && sameAddress(a.via, b.via) && sameAddress(a.source, b.source) && a.mtu === b.mtu;

export const sameNeighbour = (a: NeighbourEntry, b: NeighbourEntry): boolean => a.mac === b.mac;

export const sameForwarding = (a: ForwardingEntry, b: ForwardingEntry): boolean =>
  sameAddress(a.remote, b.remote);

export function keyed<V>(entries: readonly V[], keyOf: (entry: V) => string): ReadonlyMap<string, V> {
  return new Map(entries.map(entry => [keyOf(entry), entry]));
}
