import { parseAddress, parsePrefix } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { interfaces, nft, routing } from '../kernel/contract.ts';
import type { Link } from '../kernel/netlink/index.ts';
import { fingerprintOf, parseTable } from '../kernel/nft/table.ts';
import type { TableState } from '../kernel/nft/table.ts';
import { KernelCallError } from '../kernel/worker/index.ts';
import type { PodKernel } from './apply-kernel.ts';
import { parseAlias } from './attachment.ts';
import type { AliasContent } from './attachment.ts';
import type { ForwardingEntry, NeighbourEntry, RouteEntry } from './compile-program.ts';
import type { Uplink } from './model.ts';

/** What the kernel has of ours: routes of our protocol, neighbours and forwarding entries of our links, our links. */
export interface KernelState {
  readonly vxlan: Link | undefined;
  readonly routes: readonly RouteEntry[];
  readonly neighbours: readonly NeighbourEntry[];
  readonly forwarding: readonly ForwardingEntry[];
  /** The hosts' ends of pods' veths, by name. */
  readonly podLinks: ReadonlyMap<string, PodLink>;
  readonly uplinks: readonly Uplink[];
}

export interface PodLink {
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Undefined where somebody else made a link of our prefix. */
  readonly content: AliasContent | undefined;
}

export async function readKernel(kernel: PodKernel): Promise<KernelState> {
  const links = await kernel.links();
  const names = new Map(links.map(link => [link.index, link.name]));
  const isOurs = (name: string | undefined) => name !== undefined && isPodLink(name);
  const isOurDevice = (name: string | undefined) => name === interfaces.vxlan || isOurs(name);
  const routes = (await kernel.routes()).flatMap((route): RouteEntry[] => {
    const device = names.get(route.index ?? -1);
    const destination = parsePrefix(route.dst);
    if (route.protocol !== routing.protocol || route.table !== mainTable) return [];
    if (device === undefined || destination === undefined) return [];
    const { via, src, mtu, onlink } = route;
    return [
      {
        destination,
        device,
        ...addressAs('via', via),
        ...addressAs('source', src),
        onlink,
        ...(mtu ? { mtu } : {}),
      },
    ];
  });
  const neighbours = (await kernel.neighbours()).flatMap((entry): NeighbourEntry[] => {
    const device = names.get(entry.index);
    const address = parseAddress(entry.address);
    if (entry.state !== 'permanent' || device === undefined || !isOurDevice(device)) return [];
    return address === undefined || entry.mac === undefined ? [] : [{ device, address, mac: entry.mac }];
  });
  const vxlan = links.find(link => link.name === interfaces.vxlan);
  const forwarding =
    vxlan === undefined
      ? []
      : (await kernel.forwardingEntries()).flatMap((entry): ForwardingEntry[] => {
          const remote = parseAddress(entry.via ?? '');
          return entry.index !== vxlan.index || remote === undefined
            ? []
            : [{ device: interfaces.vxlan, mac: entry.mac, remote }];
        });
  return {
    vxlan,
    routes,
    neighbours,
    forwarding,
    podLinks: new Map(links.filter(link => isPodLink(link.name)).map(link => [link.name, podLinkOf(link)])),
    uplinks: await readUplinks(kernel, links),
  };
}

const mainTable = 254;

const isPodLink = (name: string): boolean =>
  new RegExp(`^${interfaces.podHostPrefix}[0-9a-f]{11}$`).test(name);

function podLinkOf(link: Link): PodLink {
  const { name, up, mtu, alias } = link;
  return { name, up, mtu, content: alias === undefined ? undefined : parseAlias(alias) };
}

/** Every link with an address that is not loopback and not ours. */
export async function readUplinks(kernel: PodKernel, links: readonly Link[]): Promise<readonly Uplink[]> {
  const addresses = await kernel.addresses();
  return links.flatMap((link): Uplink[] => {
    if (link.name === 'lo' || link.name === interfaces.vxlan || isPodLink(link.name)) return [];
    const own = addresses.flatMap(entry => {
      if (entry.index !== link.index || entry.scope !== 'global') return [];
      const [text = '', length = ''] = entry.address.split('/');
      const address = parseAddress(text);
      return address === undefined ? [] : [{ address, length: Number(length) }];
    });
    return own.length === 0 ? [] : [{ name: link.name, mtu: link.mtu, addresses: own }];
  });
}

function addressAs<K extends string>(key: K, text: string | undefined): { readonly [Key in K]?: Address } {
  const address = text === undefined ? undefined : parseAddress(text);
  // One key, whose name the caller chose.
  return (address === undefined ? {} : { [key]: address }) as { readonly [Key in K]?: Address };
}

/** Our table as nftables reads it back, and what its rules do. */
export interface ReadTable {
  readonly state: TableState;
  readonly fingerprint: string;
}

/** Undefined when there is no table. */
export async function readTable(kernel: PodKernel): Promise<ReadTable | undefined> {
  let listing: unknown;
  try {
    listing = await kernel.nftList(`list table inet ${nft.tables.pods}`);
  } catch (error) {
    if (error instanceof KernelCallError && error.facts.words?.includes('No such file') === true)
      return undefined;
    throw error;
  }
  return { state: parseTable(listing), fingerprint: fingerprintOf(listing) };
}
