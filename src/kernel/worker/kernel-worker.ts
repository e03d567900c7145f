import { extname } from 'node:path';
import type { AttachedLink, BpfEntries, BpfFound, BpfInstallation, BpfMapChange } from '../bpf/index.ts';
import type {
  Connection,
  ConnectionFilter,
  ConnectionMark,
  ElementTypes,
  ForwardingEntry,
  Link,
  LinkAddress,
  Neighbour,
  NftCounter,
  NftCounterPlace,
  NftElementChange,
  Proxy,
  Route,
  RouteOperation,
  Rule,
} from '../netlink/index.ts';
import { encodeElementChange } from '../netlink/nft-element-change.ts';
import type { NftChange } from '../nft/index.ts';
import type { TableState } from '../nft/table.ts';
import type { ProbeResult } from '../probe/index.ts';
import type { Calls, LinkAnnouncement, RefusedChange, Where } from './calls.ts';
import type { KernelJob, KernelSetting } from './jobs.ts';
import { KernelCallError } from './messages.ts';
import type { PodNamespace, SocketsOfNamespace } from './pod-calls.ts';
import { ThreadQueue } from './thread-queue.ts';

export interface KernelWorkerOptions {
  /** Calls that wait or run at the same time; one more is refused (`kernel/worker-busy`). Default 1024. */
  readonly limit?: number;
  /** Told when the thread ends by itself. The call in it fails; the next call starts a new thread. */
  readonly onCrash?: (error: unknown) => void;
  /** The thread's program; for tests. */
  readonly entry?: URL;
}

/** Outcome of `nftChunked`: what was refused, with its provenance. */
export interface ChunkedOutcome<P> {
  readonly applied: number;
  readonly refused: readonly { readonly provenance: P; readonly error: KernelCallError }[];
}

/**
 * The one thread of a process that waits for the kernel. Same shapes as in `kernel/netlink` and `kernel/nft`, but
 * asynchronous; calls are done one at a time, in order. Errors are KernelCallError with the original's code and facts.
 *
 *   main thread ── calls, one at a time ──▶ thread ── netlink, libnftables, libbpf ──▶ kernel
 *               ◀── result or failure ─────
 *
 * `namespacePath` is undefined for the process's own network namespace.
 */
export class KernelWorker implements AsyncDisposable {
  readonly #queue: ThreadQueue;

  constructor(options: KernelWorkerOptions = {}) {
    const besides = new URL(`../../entry/kernel-worker${extname(import.meta.url)}`, import.meta.url);
    this.#queue = new ThreadQueue({
      entry: options.entry ?? besides,
      limit: options.limit ?? 1024,
      onCrash: options.onCrash ?? (() => undefined),
    });
  }

  /** As RouteSocket.apply. */
  netlink(namespacePath: Where, operations: readonly RouteOperation[]): Promise<void> {
    return this.#call('netlink', namespacePath, operations);
  }

  /** Many jobs in one call, one after the other. Of each its error, or undefined when all of its steps are done. */
  async perform(jobs: readonly KernelJob[]): Promise<readonly (KernelCallError | undefined)[]> {
    const failures = await this.#call('perform', jobs);
    return failures.map(failure => (failure === undefined ? undefined : new KernelCallError(failure)));
  }

  links(namespacePath?: string): Promise<readonly Link[]> {
    return this.#read(namespacePath, 'links');
  }

  addresses(namespacePath?: string): Promise<readonly LinkAddress[]> {
    return this.#read(namespacePath, 'addresses');
  }

  routes(namespacePath?: string): Promise<readonly Route[]> {
    return this.#read(namespacePath, 'routes');
  }

  rules(namespacePath?: string): Promise<readonly Rule[]> {
    return this.#read(namespacePath, 'rules');
  }

  neighbours(namespacePath?: string): Promise<readonly Neighbour[]> {
    return this.#read(namespacePath, 'neighbours');
  }

  proxies(namespacePath?: string): Promise<readonly Proxy[]> {
    return this.#read(namespacePath, 'proxies');
  }

  forwardingEntries(namespacePath?: string): Promise<readonly ForwardingEntry[]> {
    return this.#read(namespacePath, 'forwardingEntries');
  }

  /** Gratuitous ARP and unsolicited neighbour advertisements; a link that is not there is passed over. */
  announce(announcements: readonly LinkAnnouncement[], namespacePath?: string): Promise<void> {
    return this.#call('announce', namespacePath, announcements);
  }

  /** As ConntrackSocket.list: those that one of the filters describes; by default all. */
  connections(
    filters: readonly ConnectionFilter[] = [{}],
    namespacePath?: string,
  ): Promise<readonly Connection[]> {
    return this.#call('connections', namespacePath, filters);
  }

  /** As ConntrackSocket.delete, of connections that were listed before. Returns how many there still were. */
  deleteConnections(connections: readonly Connection[], namespacePath?: string): Promise<number> {
    return this.#call('deleteConnections', namespacePath, connections);
  }

  /** Lists and deletes in one step: one walk through the kernel's table for all filters. Returns how many. */
  forgetConnections(filters: readonly ConnectionFilter[], namespacePath?: string): Promise<number> {
    return this.#call('forgetConnections', namespacePath, filters);
  }

  /** As ConntrackSocket.mark, of connections that were listed before. Returns how many there still were. */
  markConnections(
    connections: readonly Connection[],
    mark: ConnectionMark,
    namespacePath?: string,
  ): Promise<number> {
    return this.#call('markConnections', namespacePath, connections, mark);
  }

  /** One nftables transaction; a large one runs in a child, so that its memory ends with it. */
  nft(commands: string, namespacePath?: string): Promise<void> {
    return this.#call('nft', namespacePath, commands);
  }

  /** As applyChunked: bounded transactions, and refused changes named by their provenance. */
  async nftChunked<P>(changes: readonly NftChange<P>[], namespacePath?: string): Promise<ChunkedOutcome<P>> {
    const commands = changes.map(change => change.commands);
    const found: readonly RefusedChange[] = await this.#call('nftChunked', namespacePath, commands);
    const refused = found.flatMap(({ index, failure }) => {
      const change = changes[index];
      return change === undefined
        ? []
        : [{ provenance: change.provenance, error: new KernelCallError(failure) }];
    });
    return { applied: changes.length - refused.length, refused };
  }

  /** The JSON answer to a `list …` command. */
  nftList(command: string, namespacePath?: string): Promise<unknown> {
    return this.#call('nftList', namespacePath, command);
  }

  /** As NftTableSocket.read: an inet table with the elements of the sets whose types are given. */
  nftTable(
    table: string,
    types: ReadonlyMap<string, ElementTypes>,
    namespacePath?: string,
  ): Promise<TableState | undefined> {
    return this.#call('nftTable', namespacePath, table, types);
  }

  /** Elements of sets that are there, in one transaction; costs what it changes, whatever else the table has. */
  async nftElements(changes: readonly NftElementChange[], namespacePath?: string): Promise<void> {
    // Written here: bytes cost the thread nothing but their room, where texts would stay as garbage of another heap.
    const requests = changes.flatMap(encodeElementChange);
    return requests.length === 0 ? Promise.resolve() : this.#call('nftElements', namespacePath, requests);
  }

  /** Single counters, each by a look-up of its own; undefined for what is not there. */
  nftCounters(
    places: readonly NftCounterPlace[],
    namespacePath?: string,
  ): Promise<readonly (NftCounter | undefined)[]> {
    return this.#call('nftCounters', namespacePath, places);
  }

  sysctls(settings: readonly KernelSetting[], namespacePath?: string): Promise<void> {
    return this.#call('sysctls', namespacePath, settings);
  }

  /** What this kernel can do, by the probes of these names or by all; conclusive answers are kept. */
  probe(names?: readonly string[]): Promise<readonly ProbeResult[]> {
    return this.#call('probe', names);
  }

  /** Loads, pins and attaches eBPF programs; may be repeated. */
  installBpf(installation: BpfInstallation): Promise<void> {
    return this.#call('installBpf', installation);
  }

  readBpfMap(pin: string): Promise<BpfEntries> {
    return this.#call('readBpfMap', pin);
  }

  /** Of single keys, one after the other. */
  lookUpBpfMap(pin: string, keys: Uint8Array): Promise<BpfFound> {
    return this.#call('lookUpBpfMap', pin, keys);
  }

  /** In their order. Keys to remove are one after the other, as those to set. */
  changeBpfMaps(changes: readonly BpfMapChange[]): Promise<void> {
    return this.#call('changeBpfMaps', changes);
  }

  /** How many entries a pinned map may have; undefined where there is none. */
  bpfMapCapacity(pin: string): Promise<number | undefined> {
    return this.#call('bpfMapCapacity', pin);
  }

  /** Attaches the program of a pin to what comes in from links of the process's own network namespace. */
  attachBpfToLinks(pin: string, names: readonly string[]): Promise<readonly AttachedLink[]> {
    return this.#call('attachBpfToLinks', pin, names);
  }

  /** The other way round; absent is fine. */
  detachBpfFromLinks(names: readonly string[]): Promise<void> {
    return this.#call('detachBpfFromLinks', names);
  }

  /** Takes pins away, and with them what only they kept; absent ones are fine. */
  unpinBpf(pins: readonly string[]): Promise<void> {
    return this.#call('unpinBpf', pins);
  }

  /** Of the process's own network namespace. */
  namespaceCookie(): Promise<bigint> {
    return this.#call('namespaceCookie');
  }

  /** The network namespaces of the processes of a control group, with their addresses. */
  podNamespaces(cgroup: string): Promise<readonly PodNamespace[]> {
    return this.#call('podNamespaces', cgroup);
  }

  /** Ends UDP sockets of a control group's processes: their users get ECONNABORTED at once. Returns how many there were. */
  endUdpSockets(cgroup: string, sockets: readonly SocketsOfNamespace[]): Promise<number> {
    return this.#call('endUdpSockets', cgroup, sockets);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #read<T>(namespacePath: Where, what: Parameters<Calls['read']>[1]): Promise<readonly T[]> {
    // Plain data of the type that the RouteSocket's method of that name gives.
    return this.#call('read', namespacePath, what) as Promise<readonly T[]>;
  }

  #call<Name extends keyof Calls>(
    name: Name,
    ...parameters: Parameters<Calls[Name]>
  ): ReturnType<Calls[Name]> {
    // The thread does the call of that name, so its result has that type.
    return this.#queue.call(name, parameters) as ReturnType<Calls[Name]>;
  }
}
