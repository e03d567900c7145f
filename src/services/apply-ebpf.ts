import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '../base/ip.ts';
import { cgroupMount } from '../kernel/cgroup/index.ts';
import { lazily } from '../kernel/ffi/lazily.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { EndpointCounter } from './apply-counters.ts';
import { adoptMaps, changeMaps, counterKey, sizesOf } from './apply-ebpf-maps.ts';
import type { GoneEndpoints, SocketChange, SocketMapSizes } from './apply-ebpf-maps.ts';
import { chunks, encodeOwn, joined, lengths, placesIn, readPlace, textOf, viewOn } from './compile-ebpf.ts';
import type { SocketGroup } from './compile-ebpf.ts';

/** What the socket hooks ask of the kernel, by a process in the node's network namespace. */
export type SocketKernel = Pick<
  KernelWorker,
  | 'installBpf'
  | 'readBpfMap'
  | 'lookUpBpfMap'
  | 'changeBpfMaps'
  | 'bpfMapCapacity'
  | 'unpinBpf'
  | 'namespaceCookie'
  | 'podNamespaces'
  | 'endUdpSockets'
>;

type PodNamespaces = Awaited<ReturnType<SocketKernel['podNamespaces']>>;

export interface SocketTranslationOptions {
  readonly kernel: SocketKernel;
  /** The compiled object. */
  readonly file: string;
  /** Where pins are. */
  readonly pins: string;
  /** The control group of the node's pods, relative to the mount; it has to exist. */
  readonly cgroup: string;
}

/** `draining`: no new connection is translated, but what was translated before is still told and ended as it should. */
export type SocketState = 'off' | 'on' | 'draining';

const translating = ['connect4', 'connect6', 'sendmsg4', 'sendmsg6'] as const;
const answering = ['recvmsg4', 'recvmsg6', 'getpeername4', 'getpeername6', 'sock_release'] as const;
/** Maps of the agent, that grow with what is in them. */
const growing = ['frontends', 'endpoints', 'locals'] as const;
const maps = [
  ...growing,
  'own',
  'settings',
  'tcp_peers',
  'udp_peers',
  'flows',
  'answers',
  'affinity',
  'connections',
] as const;

const smallest: SocketMapSizes = { frontends: 8192, endpoints: 32_768, locals: 16_384 };
/** A hash map takes 16 bytes for each entry that it may have. What does not fit is left to nftables. */
const largest: SocketMapSizes = { frontends: 1 << 18, endpoints: 1 << 21, locals: 1 << 20 };

/** What stays free after everything was told: else the next small changes would each have everything told anew. */
const spare = 1 / 16;

/**
 * The socket hooks of Services on one node, and what they know. Everything is pinned: without this process they go on
 * with what they were told last, and the next one takes them over. Not for two calls at once.
 */
export class SocketTranslation {
  readonly #options: SocketTranslationOptions;
  #state: SocketState = 'off';
  #sizes: SocketMapSizes | undefined;
  #used: SocketMapSizes = { frontends: 0, endpoints: 0, locals: 0 };
  /** Front ends that there was no room for. */
  #left: readonly string[] = [];
  /** Network namespaces of peers in which no process was found the last time. */
  #deserted: ReadonlySet<bigint> = new Set();

  constructor(options: SocketTranslationOptions) {
    this.#options = options;
  }

  get state(): SocketState {
    return this.#state;
  }

  /** Front ends that pods' sockets are led by, and how many more there was no room for. */
  counts(): { readonly frontends: number; readonly left: number } {
    return { frontends: this.#state === 'on' ? this.#used.frontends : 0, left: this.#left.length };
  }

  /** Keys of front ends that there was no room for: nftables translates them. */
  get withoutRoom(): readonly string[] {
    return this.#left;
  }

  /** The hooks of the state `on` are attached: somebody may have taken pins away. */
  isInPlace(): boolean {
    return [...translating, ...answering].every(program => existsSync(this.#link(program)));
  }

  /** From now on pods' sockets are translated, as soon as `adopt` has told by what. Throws what the kernel refuses. */
  async start(): Promise<void> {
    await this.#install([...translating, ...answering]);
    this.#state = 'on';
  }

  /** New connections go to nftables; what was made before is kept as it is until it ends. */
  async stop(): Promise<void> {
    await this.#options.kernel.unpinBpf(translating.map(program => this.#link(program)));
    if ((await this.#options.kernel.bpfMapCapacity(this.#pin('udp_peers'))) === undefined) {
      this.#state = 'off';
      return;
    }
    if (this.#state === 'off') await this.#install(answering);
    this.#state = 'draining';
    await this.#endWhenDrained();
  }

  /** Brings the maps to what has to be in force, and ends the UDP sockets that speak to endpoints which are none. */
  async adopt(groups: ReadonlyMap<string, SocketGroup>): Promise<number> {
    if (this.#state === 'off') return 0;
    const { kernel } = this.#options;
    const fitting = this.#fitting(groups);
    this.#left = fitting === groups ? [] : [...groups.keys()].filter(key => !fitting.has(key));
    this.#used = sizesOf(fitting.values());
    if (!this.#hasRoom(this.#used, spare)) await this.#grow(this.#used);
    const corrections = await adoptMaps(kernel, this.#pins(), fitting.values());
    const byPlace = lazily(() => new Map([...fitting.values()].map(group => [textOf(group.key), group])));
    await this.#endPeers((service, endpoint) => {
      const group = byPlace().get(service);
      return group === undefined || !placesIn(group.endpoints).includes(endpoint);
    });
    const pods = await this.#pods();
    await this.#tellPods(pods);
    await this.#forgetDeserted(new Set(pods.map(({ cookie }) => cookie)));
    if (this.#state === 'draining') await this.#endWhenDrained();
    return corrections;
  }

  /** Returns false where there is no room: then `adopt` has to follow. */
  async change(changes: readonly SocketChange[]): Promise<boolean> {
    if (this.#state === 'off' || changes.length === 0) return true;
    const more = sizesOf(changes.flatMap(({ group }) => group ?? []));
    // More than there will be: what is there already is counted again, until `adopt` counts anew.
    const used = {
      frontends: this.#used.frontends + more.frontends,
      endpoints: this.#used.endpoints + more.endpoints,
      locals: this.#used.locals + more.locals,
    };
    if (this.#left.length > 0 || !this.#hasRoom(used)) return false;
    const gone = await changeMaps(this.#options.kernel, this.#pins(), changes);
    this.#used = used;
    await this.#endGone(gone);
    return true;
  }

  /** Tells the hooks which addresses pods have, so that one that is itself an endpoint is left to nftables. */
  async followPods(): Promise<void> {
    if (this.#state !== 'off') await this.#tellPods(await this.#pods());
  }

  async #pods(): Promise<PodNamespaces> {
    const { kernel, cgroup } = this.#options;
    const node = await kernel.namespaceCookie();
    return (await kernel.podNamespaces(cgroup)).filter(({ cookie }) => cookie !== node);
  }

  async #tellPods(pods: PodNamespaces): Promise<void> {
    const { kernel } = this.#options;
    const wanted = new Map(pods.map(({ cookie, addresses }) => [cookieBytes(cookie), ownOf(addresses)]));
    const found = await kernel.readBpfMap(this.#pin('own'));
    const present = new Map<string, string>();
    const values = chunks(found.values, lengths.own);
    for (const key of chunks(found.keys, cookieLength))
      present.set(textOf(key), textOf(values.next().value ?? new Uint8Array(0)));
    const missing = [...wanted].filter(([key, own]) => present.get(textOf(key)) !== textOf(own));
    const known = new Set([...wanted.keys()].map(textOf));
    const gone = [...present.keys()].filter(key => !known.has(key));
    if (missing.length + gone.length === 0) return;
    await kernel.changeBpfMaps([
      {
        pin: this.#pin('own'),
        remove: joined(gone.map(text => Buffer.from(text, 'latin1'))),
        set: { keys: joined(missing.map(([key]) => key)), values: joined(missing.map(([, own]) => own)) },
      },
    ]);
  }

  /** Connections that were led to each endpoint of a front end, and for UDP those of sockets and flows. */
  async counters(group: SocketGroup | undefined): Promise<readonly EndpointCounter[]> {
    if (this.#state === 'off' || group === undefined) return [];
    const endpoints = [...chunks(group.endpoints, lengths.endpoint)];
    const found = await this.#options.kernel.lookUpBpfMap(
      this.#pin('connections'),
      joined(endpoints.map(one => counterKey(group.key, one))),
    );
    const width = found.values.length / Math.max(1, endpoints.length);
    const perEndpoint = [...chunks(found.values, width || 1)];
    return endpoints.map((one, index) => ({
      ...readPlace(one),
      packets: [...chunks(perEndpoint[index] ?? new Uint8Array(0), 8)].reduce(
        (sum, value) => sum + Number(viewOn(value).getBigUint64(0, true)),
        0,
      ),
    }));
  }

  async #install(programs: readonly string[]): Promise<void> {
    const { kernel, file, cgroup } = this.#options;
    const present = await Promise.all(growing.map(name => kernel.bpfMapCapacity(this.#pin(name))));
    const sizes = Object.fromEntries(
      growing.map((name, index) => [
        name,
        Math.max(present[index] ?? 0, this.#sizes?.[name] ?? smallest[name]),
      ]),
    ) as Record<(typeof growing)[number], number>;
    // Another size is another map: what it knew is told anew by `adopt`, and until then nftables translates.
    await kernel.unpinBpf(
      growing
        .filter((name, index) => (present[index] ?? sizes[name]) !== sizes[name])
        .map(name => this.#pin(name)),
    );
    const directory = join(cgroupMount(), cgroup);
    const installation = {
      file,
      maps: Object.fromEntries(
        maps.map(name => [
          name,
          {
            pin: this.#pin(name),
            ...(name in sizes ? { maxEntries: sizes[name as keyof typeof sizes] } : {}),
          },
        ]),
      ),
      attachments: programs.map(program => ({
        program,
        to: 'cgroup' as const,
        directory,
        pin: this.#link(program),
      })),
    };
    try {
      await kernel.installBpf(installation);
    } catch (error) {
      if (!/parameter mismatch/.test(String(error))) throw error;
      // Maps of another version: their shapes are others.
      await kernel.unpinBpf(maps.map(name => this.#pin(name)));
      await kernel.installBpf(installation);
    }
    this.#sizes = sizes;
    const node = await kernel.namespaceCookie();
    await kernel.changeBpfMaps([
      { pin: this.#pin('settings'), set: { keys: new Uint8Array(4), values: cookieBytes(node) } },
    ]);
  }

  async #grow(needed: SocketMapSizes): Promise<void> {
    this.#sizes = {
      frontends: roomFor(needed.frontends, this.#sizes?.frontends ?? 0, largest.frontends),
      endpoints: roomFor(needed.endpoints, this.#sizes?.endpoints ?? 0, largest.endpoints),
      locals: roomFor(needed.locals, this.#sizes?.locals ?? 0, largest.locals),
    };
    await this.#install(this.#state === 'on' ? [...translating, ...answering] : answering);
  }

  /** `share`: of the maps that may still grow. */
  #hasRoom(needed: SocketMapSizes, share = 0): boolean {
    return growing.every(name => {
      const size = this.#sizes?.[name] ?? 0;
      return needed[name] <= (size < largest[name] ? size * (1 - share) : size);
    });
  }

  /** As many as the largest maps take. */
  #fitting(groups: ReadonlyMap<string, SocketGroup>): ReadonlyMap<string, SocketGroup> {
    const total = sizesOf(groups.values());
    if (growing.every(name => total[name] <= largest[name])) return groups;
    const sum = { frontends: 0, endpoints: 0, locals: 0 };
    return new Map(
      [...groups].filter(([, group]) => {
        const more = sizesOf([group]);
        if (growing.some(name => sum[name] + more[name] > largest[name])) return false;
        for (const name of growing) sum[name] += more[name];
        return true;
      }),
    );
  }

  async #endGone(gone: GoneEndpoints): Promise<void> {
    if (gone.size === 0) return;
    await this.#endPeers((service, endpoint) => gone.get(service)?.has(endpoint) === true);
  }

  /** Ends connected UDP sockets whose peer is none any more: else they would send there for ever. */
  async #endPeers(isGone: (service: string, endpoint: string) => boolean): Promise<void> {
    const { kernel, cgroup } = this.#options;
    const { keys, values } = await kernel.readBpfMap(this.#pin('udp_peers'));
    const byNamespace = new Map<bigint, bigint[]>();
    const peers = chunks(values, lengths.peer);
    for (const key of chunks(keys, cookieLength)) {
      const peer: Uint8Array | undefined = peers.next().value ?? undefined;
      if (peer === undefined) continue;
      const [service, endpoint] = [textOf(peer.subarray(0, 20)), textOf(peer.subarray(20, 38))];
      if (!isGone(service, endpoint)) continue;
      const namespace = namespaceOf(peer);
      const sockets = byNamespace.get(namespace);
      const socket = viewOn(key).getBigUint64(0, true);
      if (sockets === undefined) byNamespace.set(namespace, [socket]);
      else sockets.push(socket);
    }
    if (byNamespace.size === 0) return;
    await kernel.endUdpSockets(
      cgroup,
      [...byNamespace].map(([namespace, sockets]) => ({ namespace, sockets })),
    );
  }

  /**
   * Sockets that the kernel keeps for a program (the flows of an MPTCP socket) are closed without any hook. Their peers
   * go with their pod: once nobody was found in its namespace twice, for a process may end while it is looked at.
   */
  async #forgetDeserted(inhabited: ReadonlySet<bigint>): Promise<void> {
    const { kernel } = this.#options;
    const deserted = new Set<bigint>();
    for (const name of ['tcp_peers', 'udp_peers'] as const) {
      const { keys, values } = await kernel.readBpfMap(this.#pin(name));
      const peers = chunks(values, lengths.peer);
      const gone: Uint8Array[] = [];
      for (const key of chunks(keys, cookieLength)) {
        const peer: Uint8Array | undefined = peers.next().value ?? undefined;
        const namespace = peer === undefined ? undefined : namespaceOf(peer);
        if (namespace === undefined || inhabited.has(namespace)) continue;
        deserted.add(namespace);
        if (this.#deserted.has(namespace)) gone.push(key);
      }
      if (gone.length > 0) await kernel.changeBpfMaps([{ pin: this.#pin(name), remove: joined(gone) }]);
    }
    this.#deserted = deserted;
  }

  /** Nothing of it is left once the last translated socket is closed. */
  async #endWhenDrained(): Promise<void> {
    const { kernel } = this.#options;
    for (const name of ['tcp_peers', 'udp_peers'] as const)
      if ((await kernel.readBpfMap(this.#pin(name))).keys.length > 0) return;
    await kernel.unpinBpf([
      ...[...translating, ...answering].map(program => this.#link(program)),
      ...maps.map(name => this.#pin(name)),
    ]);
    this.#state = 'off';
    this.#used = { frontends: 0, endpoints: 0, locals: 0 };
    this.#left = [];
  }

  #pins() {
    return {
      frontends: this.#pin('frontends'),
      endpoints: this.#pin('endpoints'),
      locals: this.#pin('locals'),
      connections: this.#pin('connections'),
    };
  }

  readonly #pin = (name: (typeof maps)[number]): string => join(this.#options.pins, name);
  readonly #link = (program: string): string => join(this.#options.pins, `link_${program}`);
}

const cookieLength = 8;

function cookieBytes(cookie: bigint): Uint8Array {
  const bytes = new Uint8Array(cookieLength);
  viewOn(bytes).setBigUint64(0, cookie, true);
  return bytes;
}

const namespaceOf = (peer: Uint8Array): bigint => viewOn(peer).getBigUint64(40, true);

function ownOf(texts: readonly string[]): Uint8Array {
  return encodeOwn(texts.flatMap(text => parseAddress(text) ?? []));
}

/** Doubled until it is half as much again as what is needed, so that growing is rare. */
function roomFor(needed: number, present: number, most: number): number {
  let room = Math.max(1, present);
  while (room < needed * 1.5 && room < most) room *= 2;
  return Math.min(room, most);
}
