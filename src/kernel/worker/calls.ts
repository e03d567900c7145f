import type { Address } from '../../base/ip.ts';
import { lazily } from '../ffi/lazily.ts';
import type {
  Connection,
  ConnectionFilter,
  ConnectionMark,
  ElementTypes,
  NftCounter,
  NftCounterPlace,
  NftElementRequest,
  RouteOperation,
} from '../netlink/index.ts';
import type { NftChange } from '../nft/index.ts';
import type { TableState } from '../nft/table.ts';
import type { ProbeResult, Prober } from '../probe/index.ts';
import { bpfCalls } from './bpf-calls.ts';
import { performJob } from './jobs.ts';
import type { KernelJob, KernelSetting } from './jobs.ts';
import { failureOf } from './messages.ts';
import type { Failure } from './messages.ts';
import { podCalls } from './pod-calls.ts';

/** A namespace's path, or undefined for the process's own. */
export type Where = string | undefined;

/** What can be read of links and routes. */
export type Readable =
  | 'links'
  | 'addresses'
  | 'routes'
  | 'rules'
  | 'neighbours'
  | 'proxies'
  | 'forwardingEntries';

/** Everybody on the link `dev` is told that `address` is there. */
export interface LinkAnnouncement {
  readonly dev: string;
  readonly address: Address;
}

/** nftables refused one change: its index, and why. */
export interface RefusedChange {
  readonly index: number;
  readonly failure: Failure;
}

/** More commands than this go through a child, whose memory ends with it. */
const charactersInProcess = 262_144;

/**
 * What the worker does, by name. Libraries are loaded at the first call that needs them. Sockets of the process's own
 * namespace are kept; others are closed after each call, because an open one would keep its namespace alive.
 */
export function createCalls() {
  const netlinkModule = lazily(() => import('../netlink/index.ts'));
  const nftModule = lazily(() => import('../nft/index.ts'));
  const ownSocket = lazily(async () => (await netlinkModule()).RouteSocket.open());
  const ownConntrack = lazily(async () => (await netlinkModule()).ConntrackSocket.open());
  const ownElements = lazily(async () => (await netlinkModule()).NftElementSocket.open());
  const ownNft = lazily(async () => (await nftModule()).Nft.open());

  let prober: Prober | undefined;

  const withHandle = async <H extends { close(): void }, T>(
    where: Where,
    own: () => Promise<H>,
    open: (path: string) => Promise<H>,
    work: (handle: H) => T,
  ): Promise<T> => {
    if (where === undefined) return work(await own());
    const handle = await open(where);
    try {
      return work(handle);
    } finally {
      handle.close();
    }
  };
  const withSocket = async <T>(where: Where, work: (socket: Awaited<ReturnType<typeof ownSocket>>) => T) =>
    withHandle(where, ownSocket, async path => (await netlinkModule()).RouteSocket.open(path), work);
  const withConntrack = async <T>(
    where: Where,
    work: (socket: Awaited<ReturnType<typeof ownConntrack>>) => T,
  ) =>
    withHandle(where, ownConntrack, async path => (await netlinkModule()).ConntrackSocket.open(path), work);
  const withNft = async <T>(where: Where, work: (nft: Awaited<ReturnType<typeof ownNft>>) => T) =>
    withHandle(where, ownNft, async path => (await nftModule()).Nft.open(path), work);

  return {
    async netlink(where: Where, operations: readonly RouteOperation[]): Promise<void> {
      await withSocket(where, socket => socket.apply(operations));
    },
    async perform(jobs: readonly KernelJob[]): Promise<readonly (Failure | undefined)[]> {
      const own = await ownSocket();
      const outcomes: (Failure | undefined)[] = [];
      for (const job of jobs) outcomes.push(await performJob(job, own).then(() => undefined, failureOf));
      return outcomes;
    },
    async read(where: Where, what: Readable): Promise<readonly unknown[]> {
      return withSocket(where, (socket): readonly unknown[] => socket[what]());
    },
    async announce(where: Where, announcements: readonly LinkAnnouncement[]): Promise<void> {
      const { announcementFrame, sendFrames } = await import('../packet/index.ts');
      const { inNamespace } = await import('../ns/index.ts');
      const links = new Map(
        (await withSocket(where, socket => socket.links())).map(link => [link.name, link]),
      );
      const send = () => {
        for (const { dev, address } of announcements) {
          const link = links.get(dev);
          if (link?.mac !== undefined) sendFrames(link.index, [announcementFrame(address, link.mac)]);
        }
      };
      if (where === undefined) send();
      else inNamespace(where, send);
    },
    async connections(where: Where, filters: readonly ConnectionFilter[]): Promise<readonly Connection[]> {
      return withConntrack(where, socket => socket.list(filters));
    },
    async deleteConnections(where: Where, connections: readonly Connection[]): Promise<number> {
      return withConntrack(where, socket => socket.delete(connections));
    },
    async forgetConnections(where: Where, filters: readonly ConnectionFilter[]): Promise<number> {
      return withConntrack(where, socket => socket.delete(socket.list(filters)));
    },
    async markConnections(
      where: Where,
      connections: readonly Connection[],
      mark: ConnectionMark,
    ): Promise<number> {
      return withConntrack(where, socket => socket.mark(connections, mark));
    },
    async nft(where: Where, commands: string): Promise<void> {
      if (commands.length > charactersInProcess) await (await nftModule()).runInChild(commands, where);
      else await withNft(where, nft => nft.run(commands));
    },
    async nftChunked(where: Where, commands: readonly string[]): Promise<readonly RefusedChange[]> {
      const { applyChunked } = await nftModule();
      const changes = commands.map((text, index): NftChange<number> => ({
        commands: text,
        provenance: index,
      }));
      const { refused } = await withNft(where, nft => applyChunked(nft, changes));
      return refused.map(one => ({ index: one.provenance, failure: failureOf(one.error) }));
    },
    async nftList(where: Where, command: string): Promise<unknown> {
      return withNft(where, nft => nft.list(command));
    },
    async nftTable(
      where: Where,
      table: string,
      types: ReadonlyMap<string, ElementTypes>,
    ): Promise<TableState | undefined> {
      const { NftTableSocket } = await netlinkModule();
      using socket = NftTableSocket.open(where);
      return socket.read(table, types);
    },
    async nftElements(where: Where, requests: readonly NftElementRequest[]): Promise<void> {
      await withHandle(
        where,
        ownElements,
        async path => (await netlinkModule()).NftElementSocket.open(path),
        socket => socket.send(requests),
      );
    },
    async nftCounters(
      where: Where,
      places: readonly NftCounterPlace[],
    ): Promise<readonly (NftCounter | undefined)[]> {
      const { NftCounterSocket } = await netlinkModule();
      using socket = NftCounterSocket.open(where);
      return places.map(place => socket.read(place));
    },
    async sysctls(where: Where, settings: readonly KernelSetting[]): Promise<void> {
      const { setSysctl } = await import('../sysctl/index.ts');
      for (const [key, value] of settings) setSysctl(where, key, value);
    },
    async probe(names?: readonly string[]): Promise<readonly ProbeResult[]> {
      prober ??= new (await import('../probe/index.ts')).Prober();
      return prober.all(names);
    },
    ...bpfCalls,
    ...podCalls,
  };
}

export type Calls = ReturnType<typeof createCalls>;
