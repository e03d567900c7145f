import type { Problem } from '../base/provenance.ts';
import { formatAddress } from '../base/ip.ts';
import type { Address, Prefix } from '../base/ip.ts';
import type { Clock } from '../base/clock.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import type { Service } from '../kube/types/service.ts';
import { readFrontendCounters, readReasons, withMore } from './apply-counters.ts';
import type { FrontendCounters, ReadCounters } from './apply-counters.ts';
import { ServiceRules, isRefusal } from './apply-nft.ts';
import type { Adoption, Refusal, ServiceKernel } from './apply-nft.ts';
import type { SocketServices } from './apply-ebpf-services.ts';
import { Claims } from './claims.ts';
import type { GroupChange } from './claims.ts';
import { readService } from './compile-model.ts';
import { compilePart, compileNode } from './compile-nft.ts';
import { readWeighted } from './compile-weights.ts';
import { frontendKey, isRoute, mergeParts, takenProblem } from './model.ts';
import type { Frontend, Place, ServiceModel, ServicePart, WeightedService } from './model.ts';
import { storedPart } from './stored-part.ts';

export interface ServiceNetworkOptions {
  /** In the node's network namespace, which has to be this process's own. */
  readonly kernel: ServiceKernel;
  readonly place: ServicePlace;
  readonly clock: Clock;
  /** Translates at the sockets of pods what it can; absent: the rules translate everything. */
  readonly sockets?: SocketServices;
}

/** What of its node changes where Services lead. */
export interface ServicePlace extends Place {
  /** By which pods and other nodes know the node: one a family. */
  readonly addresses: readonly Address[];
  /** Addresses of the node at which node ports are found. */
  readonly nodePortAddresses: readonly Address[];
  /** Where cluster addresses come from; empty where that is not known. */
  readonly servicePrefixes: readonly Prefix[];
}

/** Where the network reads a Service and its slices: caches, as they are now. */
export interface ServiceSource {
  readonly keys: () => Iterable<string>;
  readonly service: (key: string) => Service | undefined;
  readonly slices: (key: string) => readonly EndpointSlice[];
  /** What routes ask for, beside Services; `keys` has theirs, too. */
  readonly weighted?: (key: string) => WeightedService | undefined;
}

export interface ServiceReport {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What was not as the program says, and was put right. */
  readonly corrections: number;
}

/** What is in force, in numbers. */
export interface ServiceCounts {
  readonly services: number;
  readonly frontends: number;
  /** Places behind front ends; one that stands behind two counts twice. */
  readonly endpoints: number;
  /** Front ends that refuse connections. */
  readonly rejected: number;
}

/** Read in one go: about ten milliseconds. */
const servicesAtOnce = 200;

/**
 * What may be done where everything is compared and others need not wait for the end of it: `change` may be called in
 * it, and nothing else.
 */
type Meanwhile = () => Promise<void>;
const nothing: Meanwhile = () => Promise.resolve();

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** The Services of one node in its kernel. Calls have to come one after the other. */
export class ServiceNetwork {
  #place: ServicePlace;
  readonly #clock: Clock;
  readonly #rules: ServiceRules;
  readonly #readCounters: ReadCounters;
  readonly #sockets: SocketServices | undefined;
  readonly #source: ServiceSource;
  readonly #claims = new Claims();
  readonly #problems = new Map<string, readonly Problem[]>();
  #refused: readonly Refusal[] = [];
  /** By Service: what the socket hooks have no room for, as of the last comparison. */
  #left: ReadonlyMap<string, Problem> = new Map();
  /** While the rules are compared as a whole. */
  #isComparing = false;

  constructor(options: ServiceNetworkOptions, source: ServiceSource) {
    this.#place = options.place;
    this.#clock = options.clock;
    this.#rules = new ServiceRules(options.kernel);
    this.#sockets = options.sockets;
    this.#readCounters = places => options.kernel.nftCounters(places);
    this.#source = source;
  }

  /** Everything from the source; then as `reconcile`. */
  async load(meanwhile: Meanwhile = nothing): Promise<ServiceReport> {
    const present = new Set(this.#source.keys());
    for (const { key } of this.#claims.parts) present.add(key);
    let count = 0;
    for (const key of present) {
      this.#take(key);
      // Others have to be answered meanwhile; and what is not needed any more goes early.
      if (++count % servicesAtOnce !== 0) continue;
      await nextTurn();
      await meanwhile();
    }
    for (const key of present) this.#findProblems(key);
    return this.reconcile(meanwhile);
  }

  /** Reads everything anew if the node is another than before: then `load` has to follow. Returns whether it is. */
  move(place: ServicePlace): boolean {
    const text = ({ node, zone, addresses, nodePortAddresses }: ServicePlace) =>
      JSON.stringify([node, zone, addresses.map(formatAddress), nodePortAddresses.map(formatAddress)]);
    const isOther = text(place) !== text(this.#place);
    this.#place = place;
    return isOther;
  }

  /**
   * Brings what changed about Services into the kernel, in one transaction. Returns the Services whose problems that may
   * have changed.
   */
  async change(...keys: readonly string[]): Promise<ReadonlySet<string>> {
    const rivalsOf = () => keys.flatMap(key => [...this.#claims.rivalsOf(key)]);
    const frontendsOf = () => keys.flatMap(key => this.#claims.part(key)?.frontends ?? []);
    const [rivals, before] = [rivalsOf(), frontendsOf()];
    const touched = new Set(keys.flatMap(key => [...this.#claims.groupsOf(key)]));
    for (const key of keys) this.#take(key);
    for (const group of keys.flatMap(key => [...this.#claims.groupsOf(key)])) touched.add(group);
    // Also what is as it was: who loads everything may have taken it already, and not yet written it.
    const changes = [...touched].map((key): GroupChange => ({ key, group: this.#claims.get(key) }));
    const concerned = new Set([...keys, ...rivals, ...rivalsOf()]);
    for (const each of concerned) this.#findProblems(each);
    const frontends = [...before, ...frontendsOf()];
    // Each does what it can, whatever the other one meets.
    const outcomes = await Promise.allSettled([
      this.#sockets?.change(frontends, this.#claims, this.#place),
      this.#changeRules(changes),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return concerned;
  }

  /** Compares the kernel with what has to be, and puts right what differs. Its cost is that of the whole table. */
  async reconcile(meanwhile: Meanwhile = nothing): Promise<ServiceReport> {
    // One after the other: single changes go to both, and may come wherever one of them pauses.
    const [rules] = await Promise.allSettled([this.#reconcileRules(meanwhile)]);
    const corrections = (await this.#sockets?.adopt(this.#claims, this.#place, meanwhile)) ?? 0;
    this.#left = this.#sockets?.problems(this.#claims) ?? new Map<string, Problem>();
    if (rules.status === 'rejected') throw rules.reason;
    return { at: this.#clock.now(), corrections: rules.value + corrections };
  }

  /** For those who read or explain: the whole model, built when asked for. */
  model(): ServiceModel {
    return mergeParts(this.#claims.parts, this.#place.servicePrefixes);
  }

  /** What a front end's connections came to on this node; undefined for none of ours. */
  async counters(at: {
    readonly address: Address;
    readonly protocol: Protocol;
    readonly port: number;
  }): Promise<FrontendCounters | undefined> {
    const key = frontendKey(at.address, at.protocol, at.port);
    const group = this.#claims.get(key);
    if (group === undefined) return undefined;
    const atSockets = await this.#sockets?.counters(key, this.#claims, this.#place);
    return withMore(await readFrontendCounters(group.elements, this.#readCounters), atSockets ?? []);
  }

  /** New connections that were rejected or dropped on this node, by reason. */
  refusedConnections(): ReturnType<typeof readReasons> {
    return readReasons(this.#readCounters);
  }

  /** What has to be announced of a Service: the front ends of its load balancer addresses, if they are ours. */
  announced(key: string): readonly Frontend[] {
    const part = this.#claims.part(key);
    if (part?.isAnnounced !== true) return [];
    return part.frontends.filter(({ exposure }) => exposure.of === 'load-balancer');
  }

  /** Ready endpoints of a Service on this node, in the family that has more of them. */
  readyHere(key: string): number {
    const addresses = { 4: new Set<string>(), 6: new Set<string>() };
    for (const { endpoints } of this.#claims.part(key)?.frontends ?? [])
      for (const { address, ready, nodeName } of endpoints)
        if (ready && nodeName === this.#place.node) addresses[address.family].add(formatAddress(address));
    return Math.max(addresses[4].size, addresses[6].size);
  }

  /** Of all Services, or of one. */
  problems(key?: string): readonly Problem[] {
    const found = key === undefined ? [...this.#problems.values()].flat() : (this.#problems.get(key) ?? []);
    const refused = this.#refused.flatMap(({ provenance, sentence }): Problem[] => {
      if (provenance === undefined) return [];
      const isOfKey = key === undefined || key === `${provenance.namespace}/${provenance.name}`;
      return isOfKey ? [{ provenance, sentence }] : [];
    });
    const left = key === undefined ? this.#left.values() : [this.#left.get(key) ?? []].flat();
    return [...found, ...refused, ...left];
  }

  counts(): ServiceCounts {
    const counts = { services: 0, frontends: 0, endpoints: 0, rejected: 0 };
    for (const part of this.#claims.parts) {
      counts.services++;
      for (const { address, protocol, port } of part.frontends) {
        const group = this.#claims.get(frontendKey(address, protocol, port));
        counts.frontends++;
        counts.endpoints += group?.choices ?? 0;
        if (group?.choices === 0) counts.rejected++;
      }
    }
    return counts;
  }

  async #changeRules(changes: readonly GroupChange[]): Promise<void> {
    if (!this.#rules.isKnown) {
      if (!this.#isComparing) await this.#reconcileRules();
      return;
    }
    try {
      await this.#rules.change(changes);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // Either the kernel is not as we think, or something is wrong with this Service: comparing tells.
      if (!this.#isComparing) await this.#reconcileRules();
    }
  }

  /** Returns what was corrected. */
  async #reconcileRules(meanwhile = nothing): Promise<number> {
    this.#isComparing = true;
    try {
      const { corrections, isOvertaken } = await this.#compareRules(meanwhile);
      // A change that was refused meanwhile, or that knew a kernel which was not so: it is compared with everything else.
      const isCertain = this.#rules.isKnown && !(isOvertaken && corrections > 0);
      return isCertain ? corrections : corrections + (await this.#compareRules(nothing)).corrections;
    } finally {
      this.#isComparing = false;
    }
  }

  async #compareRules(meanwhile: Meanwhile): Promise<Adoption> {
    const own = compileNode(this.#place.addresses, this.#place.servicePrefixes);
    const claims = this.#claims;
    const program = {
      *[Symbol.iterator]() {
        yield* own;
        yield* claims.program();
      },
    };
    const adoption = await this.#rules.adopt(program, meanwhile);
    this.#refused = adoption.refused;
    return adoption;
  }

  #take(key: string): void {
    const part = this.#read(key);
    if (part === undefined) this.#claims.replace(key, undefined, new Map());
    else
      this.#claims.replace(
        key,
        storedPart(part, () => this.#read(key)),
        compilePart(part, this.#place),
      );
  }

  #read(key: string): ServicePart | undefined {
    const weighted = this.#source.weighted?.(key);
    if (weighted !== undefined) return readWeighted(weighted);
    const service = this.#source.service(key);
    if (service === undefined) return undefined;
    const { addresses, nodePortAddresses } = this.#place;
    return readService(service, this.#source.slices(key), nodePortAddresses, [
      ...addresses,
      ...nodePortAddresses,
    ]);
  }

  #findProblems(key: string): void {
    const part = this.#claims.part(key);
    if (part === undefined) {
      this.#problems.delete(key);
      return;
    }
    const taken = part.frontends.flatMap(({ address, protocol, port, service }) => {
      const place = frontendKey(address, protocol, port);
      const owner = this.#claims.ownerBefore(key, place);
      // A Gateway's own Service has the ports that its routes lead elsewhere.
      return owner === undefined || isRoute(owner) ? [] : [takenProblem(place, service, owner.service)];
    });
    this.#problems.set(key, [...part.problems, ...taken]);
  }
}
