import type { Problem } from '../base/provenance.ts';
import { FairleadError } from '../base/errors.ts';
import { formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { connectionMarks } from '../kernel/contract.ts';
import type { Pod } from '../kube/types/pod.ts';
import { readCounters } from './apply-counters.ts';
import { DropCounter } from './apply-drop-counts.ts';
import type { DropCounts } from './apply-drop-counts.ts';
import type { CounterKernel, PolicyCounter } from './apply-counters.ts';
import { RuleCounter } from './apply-rule-counts.ts';
import type { RuleCount } from './apply-rule-counts.ts';
import { revokeConnections } from './apply-connections.ts';
import type { ConnectionKernel } from './apply-connections.ts';
import { PolicyTable } from './apply-nft.ts';
import type { PolicyKernel, RefusedPart } from './apply-nft.ts';
import { affectedAddresses } from './compile-affected.ts';
import { compileCounters } from './compile-counters.ts';
import { PolicyCompiler } from './compile-groups.ts';
import type { Group } from './compile-group-tables.ts';
import { PolicyIndex } from './compile-index.ts';
import type { Flow } from './decide.ts';
import { DomainHolds } from './domain-holds.ts';
import type { HeldName, NameAnswer } from './domain-holds.ts';
import type { Policy, PolicyModel } from './model.ts';
import { PolicyFeed } from './policy-feed.ts';
import type { Given, PolicyChange, PolicySources } from './policy-feed.ts';

export interface PolicyNodeOptions {
  readonly node: string;
  readonly kernel: PolicyKernel & ConnectionKernel & CounterKernel;
  readonly sources: PolicySources & PolicyHistory;
  readonly log: Log;
  /** The kernel can report packets that are dropped (nfnetlink_log). */
  readonly reportsDrops: boolean;
  /** Some of the new connections that pass are reported, too. */
  readonly reportsPasses?: boolean;
  /** What pods had before this process started, where their status does not tell yet. */
  readonly assigned: readonly Assignment[];
  /** What an earlier process held for domain names. */
  readonly heldNames?: readonly HeldName[];
  /**
   * Asked within each change, between its model and the kernel, by who acts on verdicts elsewhere. `addresses` are those of
   * pods and peers whose verdicts may be others; undefined where nobody knows what was in force: anybody's may be.
   */
  readonly verdicts?: (model: PolicyModel, addresses: ReadonlySet<string> | undefined) => VerdictChange;
  /** For tests; undefined is the process's own. */
  readonly namespacePath?: string;
}

/** What follows from other verdicts outside of the policies' own rules. */
export interface VerdictChange {
  /** Before the rules are in force; does not reject: they have to close what they can all the same. */
  tighten(): Promise<void>;
  /** After them; `isRefused`: the kernel did not take a part, so more is closed than the model says. */
  loosen(isRefused: boolean): Promise<void>;
}

export interface PolicyHistory {
  /**
   * Resolves when `pods` and `policies` tell what was there when the pod got this version: the pod itself, and every
   * policy of its namespace. Rejects when the signal is aborted before.
   */
  reached(namespace: string, resourceVersion: string, signal: AbortSignal): Promise<void>;
}

/** Addresses that the node gave to a pod. */
export interface Assignment {
  /** `namespace/name` */
  readonly pod: string;
  readonly uid: string;
  readonly addresses: readonly Address[];
}

export interface PolicyStatus {
  readonly policies: number;
  /** Pods of this node. */
  readonly isolated: { readonly ingress: number; readonly egress: number };
  readonly groups: number;
  readonly elements: number;
  /** Addresses that count for domain names, and those that were too many, since the start. */
  readonly names: { readonly held: number; readonly refused: number };
  /** Packets, since the start; read now and then. */
  readonly dropped: DropCounts;
  /** Connections that a change took back, since the start. */
  readonly revoked: number;
  /** Parts of the table that somebody else had changed, since the start. */
  readonly corrections: number;
  readonly problems: readonly {
    readonly object: string;
    readonly field: string;
    readonly sentence: string;
  }[];
}

interface Assigned extends Assignment, Given {
  /** Its policies are not known yet. */
  readonly isPending: boolean;
}

/** NetworkPolicy on one node: holds the model and the program in force, and brings changes into the kernel. */
export class PolicyNode {
  readonly #options: PolicyNodeOptions;
  readonly #table: PolicyTable;
  readonly #index = new PolicyIndex();
  readonly #feed: PolicyFeed;
  readonly #compiler: PolicyCompiler;
  readonly #assigned = new Map<string, Assigned>();
  readonly #holds: DomainHolds;
  readonly #drops: DropCounter;
  readonly #rules: RuleCounter;
  /** Resolves when the addresses that came last for domain names are in the kernel. */
  #learning: Promise<void> = Promise.resolve();
  #writing: PromiseWithResolvers<void> | undefined;
  #refusals: readonly Problem[] = [];
  #revoked = 0;
  /** Addresses whose connections are still to be looked at: also after the kernel could not be asked. */
  readonly #unasked = new Set<string>();
  #corrections = 0;
  #isInForce = false;
  #isAllAsked = true;
  #isComparisonAsked = true;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(options: PolicyNodeOptions) {
    const { assigned, heldNames = [], kernel, namespacePath, node, sources } = options;
    this.#options = options;
    this.#table = new PolicyTable(kernel, namespacePath);
    this.#feed = new PolicyFeed(this.#index, sources, pod => this.#assigned.get(pod));
    this.#compiler = new PolicyCompiler(this.#index, node, options);
    this.#holds = new DomainHolds(this.#index, heldNames);
    this.#drops = new DropCounter(kernel, namespacePath);
    this.#rules = new RuleCounter(kernel, namespacePath);
    for (const one of assigned) this.#assigned.set(one.pod, { ...one, isPending: false });
  }

  /** What is in force; undefined before the first `sync`. */
  get model(): PolicyModel | undefined {
    return this.#isInForce ? this.#index : undefined;
  }

  /** One object that is another now: the next `catchUp` brings it into force. */
  tell(change: PolicyChange): void {
    this.#feed.tell(change);
  }

  /** Looks at everything there is, and brings it into force. */
  sync(): Promise<void> {
    this.#isAllAsked = true;
    return this.catchUp();
  }

  /** Compares the table with the kernel too, and repairs it. */
  reconcile(): Promise<void> {
    this.#isComparisonAsked = true;
    return this.catchUp();
  }

  /** Brings what was told into force; the first time everything. Calls that come while one waits share it. */
  catchUp(): Promise<void> {
    this.#next ??= (async () => {
      await this.#running.catch(() => undefined); // its own caller was told
      this.#running = this.#bringIntoForce();
      this.#next = undefined;
      return this.#running;
    })();
    return this.#next;
  }

  /**
   * Before a pod is wired: resolves when everything that was there before the pod is in force for it. Until then its
   * addresses are closed. `since` is a version at which the pod was there.
   */
  async admit(pod: Pod, addresses: readonly Address[], since: string, signal: AbortSignal): Promise<void> {
    const { sources } = this.#options;
    const key = `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
    const uid = pod.metadata.uid ?? '';
    const assign = (isPending: boolean) => {
      this.#assigned.set(key, { pod: key, uid, addresses, object: pod, isPending });
      this.#feed.touchPod(key);
    };
    const reached = sources.reached(pod.metadata.namespace ?? '', since, signal);
    const isKnown = await Promise.race([
      reached.then(() => true),
      new Promise<false>(resolve => setImmediate(() => resolve(false))),
    ]);
    try {
      if (!isKnown) {
        assign(true);
        await this.catchUp();
        await reached;
      }
      assign(false);
      await this.catchUp();
      signal.throwIfAborted();
    } catch (error) {
      // The addresses go back, and may be another pod's: closed for nobody.
      if (this.#assigned.get(key)?.uid === uid) this.#assigned.delete(key);
      this.#feed.touchPod(key);
      throw error;
    }
  }

  /** Domain names and wildcards that policies of the cluster wait for, sorted. */
  waitedForNames(): readonly string[] {
    return [...new Set([...this.#index.patterns.values()].flat())].sort();
  }

  heldNames(): readonly HeldName[] {
    return this.#holds.list();
  }

  /**
   * Before the DNS server releases an answer: resolves when its addresses count in the kernel for the names that
   * policies wait for; rejects when they could not be written, and stay closed. `now` in milliseconds since 1970.
   */
  learn(answer: NameAnswer, now: number): Promise<void> {
    if (!this.#holds.learn(answer, now)) return this.#learning;
    this.#writing ??= Promise.withResolvers();
    const written = this.#writing.promise;
    this.#learning = written.catch(() => undefined); // who brought the addresses is told
    // Who waits needs the kernel's sets alone: what of the walk through connections fails is done at the next turn.
    this.catchUp().catch(() => undefined);
    return written;
  }

  /** Takes back what was held for domain names long enough, and no connection uses. */
  async expireNames(now: number): Promise<void> {
    const expired = this.#holds.expired(now);
    if (expired.length === 0) return;
    const { kernel, namespacePath } = this.#options;
    const addresses = new Set(expired.map(({ address }) => address));
    const connections = await kernel.connections([{ addresses }], namespacePath);
    const used = new Set(
      connections
        .filter(({ mark }) => (mark & connectionMarks.revoked) === 0)
        .map(({ reply }) => reply.source),
    );
    for (const held of expired)
      if (used.has(held.address)) this.#holds.renew(held, now);
      else this.#holds.release(held);
    await this.catchUp();
  }

  status(): PolicyStatus {
    const count = (direction: 'ingress' | 'egress') =>
      [...this.#compiler.groups]
        .filter(group => group.direction === direction && group.policies.some(isIsolating))
        .reduce((sum, group) => sum + group.pods.size, 0);
    return {
      policies: this.#index.policies.size,
      isolated: { ingress: count('ingress'), egress: count('egress') },
      groups: this.#compiler.groupCount,
      elements: [...this.#compiler.program.sets.values()].reduce((sum, set) => sum + set.elements.size, 0),
      names: { held: this.#holds.size, refused: this.#holds.refused },
      dropped: { ...this.#drops.totals },
      revoked: this.#revoked,
      corrections: this.#corrections,
      problems: [...this.#index.problems, ...this.#refusals].map(({ provenance, sentence }) => ({
        object: `${provenance.kind}/${provenance.namespace}/${provenance.name}`,
        field: provenance.field,
        sentence,
      })),
    };
  }

  /** What the kernel has counted, on this node, of new connections of the flow: what let pass, and what dropped. */
  async counters(flow: Flow): Promise<readonly PolicyCounter[]> {
    const { kernel, node, namespacePath } = this.#options;
    if (!this.#isInForce) return [];
    const places = compileCounters(this.#index, this.#compiler.program, node, flow);
    return readCounters(kernel, places, namespacePath);
  }

  /** Reads how many packets the kernel dropped, and what rules decided; both are told until the next time. */
  async count(): Promise<void> {
    if (!this.#isInForce) return;
    await this.#drops.read(this.#compiler.program, this.#compiler.groups);
    await this.#rules.read(this.#compiler.counted());
  }

  /** Of every rule that covers a pod of this node. */
  ruleCounts(): Iterable<RuleCount> {
    return this.#rules.counts;
  }

  /** What is wrong with policies that isolate pods of this node, and what the kernel refused. */
  problems(): readonly Problem[] {
    const read = this.#index.problems.filter(({ provenance: { namespace, name } }) =>
      this.#compiler.isInForce(`${namespace}/${name}`),
    );
    return [...read, ...this.#refusals];
  }

  async #bringIntoForce(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    try {
      await this.#write();
      writing?.resolve();
    } catch (error) {
      writing?.reject(error);
      throw error;
    }
    await this.#revoke();
  }

  async #write(): Promise<void> {
    const isComparison = this.#isComparisonAsked || !this.#table.isKnown;
    const wasKnown = this.#table.isKnown;
    this.#isComparisonAsked = false;
    if (this.#isAllAsked) this.#feed.tellAll();
    this.#isAllAsked = false;
    this.#forgetGone();
    this.#feed.settle();
    const closed = [...this.#assigned.values()].filter(one => one.isPending).flatMap(one => one.addresses);
    this.#compiler.update(closed);
    const { program } = this.#compiler;
    const change = program.takeChange();
    const verdicts = this.#options.verdicts?.(this.#index, wasKnown ? this.#affected(change) : undefined);
    await verdicts?.tighten();
    // A comparison of a known table writes the change first, so that what differs then is somebody else's.
    const outcome = wasKnown ? await this.#table.change(change) : await this.#table.apply(program);
    this.#refusals = outcome.refused.length > 0 ? await this.#close(outcome.refused) : [];
    let isStrange = !wasKnown;
    if (isComparison && wasKnown && this.#table.isKnown) {
      const { changes, refused } = await this.#table.apply(program);
      if (refused.length > 0) this.#refusals = await this.#close(refused);
      this.#corrections += changes;
      isStrange ||= changes > 0;
      if (changes > 0)
        this.#options.log.warn({ changes }, 'the policies in the kernel were not as they have to be');
    }
    this.#isInForce = true;
    await verdicts?.loosen(this.#refusals.length > 0);
    // Where nobody knows what was in force when connections were opened, all of this node's are asked.
    for (const address of isStrange ? this.#addresses() : this.#affected(change)) this.#unasked.add(address);
  }

  #affected(change: Parameters<typeof affectedAddresses>[0]): ReadonlySet<string> {
    return affectedAddresses(change, name => {
      const pods = [...(this.#compiler.group(name)?.pods.values() ?? [])];
      return pods.flatMap(pod => pod.addresses.map(formatAddress));
    });
  }

  #addresses(): ReadonlySet<string> {
    const { sets } = this.#compiler.program;
    return new Set(['identity4', 'identity6'].flatMap(name => [...(sets.get(name)?.elements.keys() ?? [])]));
  }

  async #revoke(): Promise<void> {
    const { kernel, node, namespacePath } = this.#options;
    if (this.#unasked.size === 0) return;
    this.#revoked += await revokeConnections(kernel, this.#index, node, this.#unasked, namespacePath);
    this.#unasked.clear();
  }

  /** Pods of a group that the kernel refuses a part of are closed. */
  async #close(parts: readonly RefusedPart[]): Promise<readonly Problem[]> {
    const refused = new Map<Group, RefusedPart>();
    for (const part of parts) {
      const name = part.name.replace('drop-', '').split('-').slice(0, 2).join('-');
      const group = this.#compiler.group(name);
      if (group !== undefined) refused.set(group, part);
    }
    this.#compiler.refuse(refused.keys());
    this.#compiler.program.takeChange(); // the table is read, and everything compared
    const { refused: still } = await this.#table.apply(this.#compiler.program);
    const [one] = still;
    if (one !== undefined)
      throw new FairleadError('policy/refused', `the kernel does not take ${one.name}: ${one.sentence}`);
    return [...refused].flatMap(([{ name, pods, policies }, { sentence }]) => {
      const closed = [...pods.keys()].sort().join(', ');
      const what = `the kernel does not take its part in ${name}, so ${closed} are closed: ${sentence}`;
      return policies.map(({ provenance }) => ({ provenance, sentence: what }));
    });
  }

  /** The gate waited until the cache had the pod: when the cache has it no more, it is gone. */
  #forgetGone(): void {
    for (const [key, { uid, isPending }] of this.#assigned) {
      const known = this.#feed.pod(key);
      const isThere = known !== undefined && (uid === '' || known.metadata.uid === uid);
      if (isThere || isPending) continue;
      this.#assigned.delete(key);
      this.#feed.touchPod(key);
    }
  }
}

const isIsolating = ({ isAudited, tier }: Policy): boolean => tier === 'NetworkPolicy' && !isAudited;
