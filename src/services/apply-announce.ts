import { contains, formatAddress, parseInterface, prefixOf } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import { interfaces, routing } from '../kernel/contract.ts';
import type { RouteOperation } from '../kernel/netlink/index.ts';
import type { KernelSetting, KernelWorker } from '../kernel/worker/index.ts';

/** What announcing asks of the kernel in the node's network namespace. */
export type AnnouncingKernel = Pick<
  KernelWorker,
  'links' | 'addresses' | 'routes' | 'proxies' | 'netlink' | 'sysctls' | 'announce'
>;

/** A link that an address can be announced on: the node has an address there. */
export interface AnnouncingLink {
  readonly dev: string;
  readonly prefix: Prefix;
  readonly own: Address;
}

/**
 * For which addresses this node answers on its links, in the kernel.
 *
 * ```
 *   IPv4   a route of type local makes the node answer ARP and take the packets
 *   IPv6   a proxy entry on the link makes it answer neighbour solicitations
 * ```
 * The nodes' own addresses stay what they are: no program sends from one of these unless it asks to. Everybody on the
 * link is told when an address comes here.
 */
export class Announcements {
  readonly #kernel: AnnouncingKernel;
  /** By address; undefined while it is not known what the kernel has. */
  #inForce: Map<string, RouteOperation> | undefined;
  readonly #prepared = new Set<string>();

  constructor(kernel: AnnouncingKernel) {
    this.#kernel = kernel;
  }

  /** Links of this node that lead to others. */
  async links(): Promise<readonly AnnouncingLink[]> {
    const names = new Map((await this.#kernel.links()).map(({ index, name }) => [index, name]));
    return (await this.#kernel.addresses()).flatMap((entry): AnnouncingLink[] => {
      const dev = names.get(entry.index) ?? 'lo';
      const found = parseInterface(entry.address);
      if (dev === 'lo' || dev.startsWith(interfaces.podHostPrefix) || entry.scope !== 'global') return [];
      if (found === undefined) return [];
      return [{ dev, prefix: prefixOf(found.address, found.length), own: found.address }];
    });
  }

  /** Whether the next `set` knows what the kernel has, and reads nothing. */
  get isKnown(): boolean {
    return this.#inForce !== undefined;
  }

  /** Forgets what was known: the next `set` compares with the kernel. */
  forget(): void {
    this.#inForce = undefined;
    this.#prepared.clear();
  }

  /**
   * These addresses, and no others. What is right is not touched. Returns how many came and went, and what was not there
   * any more although it had been set before.
   */
  async set(addresses: readonly Address[], links: readonly AnnouncingLink[]): Promise<Announced> {
    const present = this.#inForce ?? (await this.#read());
    this.#inForce = undefined;
    const wanted = new Map(
      addresses.flatMap(address => {
        const link = links.find(({ prefix }) => contains(prefix, address));
        return link === undefined ? [] : [[formatAddress(address), { address, link }] as const];
      }),
    );
    const gone = [...present].filter(([text]) => !wanted.has(text));
    const come = [...wanted].filter(([text]) => !present.has(text)).map(([, entry]) => entry);
    await this.#prepare([...wanted.values()].map(({ link }) => link.dev));
    const operations = [
      ...gone.map(([, operation]) => operation),
      ...come.map(({ address, link }) => answering(address, link)),
    ];
    if (operations.length > 0) await this.#kernel.netlink(undefined, operations);
    this.#inForce = new Map(
      [...wanted].map(([text, { address, link }]) => [text, silencing(address, link.dev)]),
    );
    return { come: come.map(({ address }) => address), gone: gone.map(([text]) => text) };
  }

  /** Tells everybody on the links that these addresses are here. */
  async tell(addresses: readonly Address[], links: readonly AnnouncingLink[]): Promise<void> {
    const told = addresses.flatMap(address => {
      const link = links.find(({ prefix }) => contains(prefix, address));
      return link === undefined ? [] : [{ dev: link.dev, address }];
    });
    if (told.length > 0) await this.#kernel.announce(told);
  }

  async #read(): Promise<Map<string, RouteOperation>> {
    const names = new Map((await this.#kernel.links()).map(({ index, name }) => [index, name]));
    const present = new Map<string, RouteOperation>();
    const add = (text: string, dev: string | undefined) => {
      const found = parseInterface(text.includes('/') ? text : `${text}/128`);
      if (found !== undefined && dev !== undefined)
        present.set(formatAddress(found.address), silencing(found.address, dev));
    };
    for (const { protocol, table, type, dst, index = -1 } of await this.#kernel.routes())
      if (protocol === routing.protocol && table === routing.localTable && type === 'local')
        add(dst, names.get(index));
    for (const { protocol, address, index } of await this.#kernel.proxies())
      if (protocol === routing.protocol) add(address, names.get(index));
    return present;
  }

  /** Neighbour discovery asks a proxy to wait up to 0.8 s before it answers: here nobody else would. */
  async #prepare(devs: readonly string[]): Promise<void> {
    const fresh = [...new Set(devs)].filter(dev => !this.#prepared.has(dev));
    if (fresh.length === 0) return;
    const settings = fresh.flatMap((dev): readonly KernelSetting[] => [
      [`net/ipv6/conf/${dev}/proxy_ndp`, 1],
      [`net/ipv6/neigh/${dev}/proxy_delay`, 0],
    ]);
    await this.#kernel.sysctls(settings);
    for (const dev of fresh) this.#prepared.add(dev);
  }
}

export interface Announced {
  readonly come: readonly Address[];
  readonly gone: readonly string[];
}

function answering(address: Address, link: AnnouncingLink): RouteOperation {
  const text = formatAddress(address);
  if (address.family === 6) return { do: 'proxy-replace', dev: link.dev, address: text };
  return {
    do: 'route-replace',
    type: 'local',
    table: routing.localTable,
    dst: `${text}/32`,
    dev: 'lo',
    // What the node itself sends there has the node's address.
    src: formatAddress(link.own),
  };
}

function silencing(address: Address, dev: string): RouteOperation {
  const text = formatAddress(address);
  if (address.family === 6) return { do: 'proxy-delete', dev, address: text };
  return { do: 'route-delete', type: 'local', table: routing.localTable, dst: `${text}/32`, dev: 'lo' };
}
