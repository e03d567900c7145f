import type { Problem } from '../base/provenance.ts';
import { FairleadError } from '../base/errors.ts';
import type { Address } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import type { NetworkPolicy } from '../kube/types/networking.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import type { Service } from '../kube/types/service.ts';
import { readCounters } from './apply-counters.ts';
import type { CounterKernel, PolicyCounter } from './apply-counters.ts';
import { revokeConnections } from './apply-connections.ts';
import type { ConnectionKernel } from './apply-connections.ts';
import { PolicyTable } from './apply-nft.ts';
import type { PolicyKernel, RefusedPart } from './apply-nft.ts';
import { affectedAddresses } from './compile-affected.ts';
import { stateOf } from './compile-delta.ts';
import type { TableState } from './compile-delta.ts';
import { compileGroups, compileIdentities } from './compile-groups.ts';
import type { Group } from './compile-groups.ts';
import { addressesOf, compileModel, readNodeLocalService, readPod } from './compile-model.ts';
import { compileNft, groupNames } from './compile-nft.ts';
import type { PolicyProgram } from './compile-nft.ts';
import { readPolicy } from './compile-policy.ts';
import { compileCounters } from './compile-counters.ts';
import type { Flow } from './decide.ts';
import type { Labels, Policy, PolicyModel, PolicyPod } from './model.ts';

/** The cluster as it is known now. */
export interface PolicySources {
  pods(): readonly Pod[];
  policies(): readonly NetworkPolicy[];
  nodes(): readonly Node[];
  /** Services whose addresses each node answers itself: that of the cluster's DNS. */
  nodeLocalServices(): readonly Service[];
  /** Undefined for a namespace that is not there (any more). */
  namespaceLabels(name: string): Labels | undefined;
  /**
   * Resolves when `pods` and `policies` tell what was there when the pod got this version: the pod itself, and every
   * policy of its namespace. Rejects when the signal is aborted before.
   */
  reached(namespace: string, resourceVersion: string, signal: AbortSignal): Promise<void>;
}

export interface PolicyNodeOptions {
  readonly node: string;
  readonly kernel: PolicyKernel & ConnectionKernel & CounterKernel;
  readonly sources: PolicySources;
  readonly log: Log;
  /** The kernel can report packets that are dropped (nfnetlink_log). */
  readonly reportsDrops: boolean;
  /** What pods had before this process started, where their status does not tell yet. */
  readonly assigned: readonly Assignment[];
  /** For tests; undefined is the process's own. */
  readonly namespacePath?: string;
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
  /** Connections that a change took back, since the start. */
  readonly revoked: number;
  readonly problems: readonly {
    readonly object: string;
    readonly field: string;
    readonly sentence: string;
  }[];
}

interface Assigned extends Assignment {
  /** The object that the gate was asked with: the cache may be behind it. */
  readonly object?: Pod;
  /** Its policies are not known yet. */
  readonly isPending: boolean;
}

/** NetworkPolicy on one node: holds the model and the program in force, and brings changes into the kernel. */
export class PolicyNode {
  readonly #options: PolicyNodeOptions;
  readonly #table: PolicyTable;
  readonly #assigned = new Map<string, Assigned>();
  readonly #readPolicies = new WeakMap<NetworkPolicy, Policy>();
  #numbers: ReadonlyMap<string, number> = new Map();
  #model: PolicyModel | undefined;
  #program: PolicyProgram | undefined;
  #state: TableState | undefined;
  #groups: readonly Group[] = [];
  #refusals: readonly Problem[] = [];
  #revoked = 0;
  #elements = 0;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(options: PolicyNodeOptions) {
    this.#options = options;
    this.#table = new PolicyTable(options.kernel, options.namespacePath);
    for (const one of options.assigned) this.#assigned.set(one.pod, { ...one, isPending: false });
  }

  /** What is in force; undefined before the first `sync`. */
  get model(): PolicyModel | undefined {
    return this.#model;
  }

  /** Brings what is known now into force. Calls that come while one waits share it. */
  sync(): Promise<void> {
    this.#next ??= (async () => {
      await this.#running.catch(() => undefined); // its own caller was told
      this.#running = this.#sync();
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
    const assign = (isPending: boolean) =>
      void this.#assigned.set(key, { pod: key, uid, addresses, object: pod, isPending });
    const reached = sources.reached(pod.metadata.namespace ?? '', since, signal);
    const isKnown = await Promise.race([
      reached.then(() => true),
      new Promise<false>(resolve => setImmediate(() => resolve(false))),
    ]);
    try {
      if (!isKnown) {
        assign(true);
        await this.sync();
        await reached;
      }
      assign(false);
      await this.sync();
      signal.throwIfAborted();
    } catch (error) {
      // The addresses go back, and may be another pod's: closed for nobody.
      if (this.#assigned.get(key)?.uid === uid) this.#assigned.delete(key);
      throw error;
    }
  }

  status(): PolicyStatus {
    const { node } = this.#options;
    const isolated = (direction: 'ingress' | 'egress') =>
      [...(this.#model?.isolating[direction].keys() ?? [])].filter(
        key => this.#model?.pods.get(key)?.node === node,
      ).length;
    return {
      policies: this.#model?.policies.size ?? 0,
      isolated: { ingress: isolated('ingress'), egress: isolated('egress') },
      groups: this.#groups.length,
      elements: this.#elements,
      revoked: this.#revoked,
      problems: [...(this.#model?.problems ?? []), ...this.#refusals].map(({ provenance, sentence }) => ({
        object: `${provenance.kind}/${provenance.namespace}/${provenance.name}`,
        field: provenance.field,
        sentence,
      })),
    };
  }

  /** What the kernel has counted, on this node, of new connections of the flow: what let pass, and what dropped. */
  async counters(flow: Flow): Promise<readonly PolicyCounter[]> {
    const { kernel, node, namespacePath } = this.#options;
    if (this.#model === undefined || this.#program === undefined) return [];
    return readCounters(kernel, compileCounters(this.#model, this.#program, node, flow), namespacePath);
  }

  /** What is wrong with policies that isolate pods of this node, and what the kernel refused. */
  problems(): readonly Problem[] {
    const local = new Set<string>();
    for (const group of this.#groups)
      for (const { namespace, name } of group.policies) local.add(`${namespace}/${name}`);
    const read = (this.#model?.problems ?? []).filter(({ provenance }) =>
      local.has(`${provenance.namespace}/${provenance.name}`),
    );
    return [...read, ...this.#refusals];
  }

  async #sync(): Promise<void> {
    const { node, log, reportsDrops } = this.#options;
    const model = this.#compileModel();
    const identities = compileIdentities(model, this.#numbers);
    const groups = compileGroups(model, identities, node);
    const closed = [...this.#assigned.values()].filter(one => one.isPending).flatMap(one => one.addresses);
    const parts = { model, identities, groups, closed, reportsDrops };
    let program = compileNft({ ...parts, refused: new Set() });
    const parted = await this.#table.apply(program);
    this.#refusals = [];
    if (parted.length > 0) {
      const { refused, problems } = refusedGroups(parted, groups);
      this.#refusals = problems;
      program = compileNft({ ...parts, refused });
      const [still] = await this.#table.apply(program);
      if (still !== undefined)
        throw new FairleadError(
          'policy/refused',
          `the kernel does not take ${still.name}: ${still.sentence}`,
        );
    }
    this.#numbers = identities.numbers;
    this.#groups = groups;
    this.#model = model;
    this.#program = program;
    await this.#revoke(model, program);
    log.debug({ groups: groups.length, policies: model.policies.size }, 'policies are in force');
  }

  async #revoke(model: PolicyModel, program: PolicyProgram): Promise<void> {
    const { kernel, node, namespacePath } = this.#options;
    const [before, after] = [this.#state, stateOf(program)];
    this.#state = after;
    this.#elements = [...program.sets.values()].reduce((sum, set) => sum + set.elements.size, 0);
    // The first time nobody knows what was in force when the connections were opened: all of this node's are asked.
    const affected = affectedAddresses(before ?? { sets: new Map(), chains: new Map() }, after);
    if (affected.size === 0) return;
    this.#revoked += await revokeConnections(kernel, model, node, affected, namespacePath);
  }

  #compileModel(): PolicyModel {
    const { sources } = this.#options;
    const cached = new Map<string, Pod>(
      sources.pods().map(pod => [`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, pod] as const),
    );
    this.#forgetGone(cached);
    // The cache may not know yet that the pod is bound to this node.
    for (const [key, { object }] of this.#assigned)
      if (object !== undefined && cached.get(key)?.spec.nodeName === undefined) cached.set(key, object);
    const pods: PolicyPod[] = [];
    for (const [key, pod] of cached) {
      const labels = sources.namespaceLabels(pod.metadata.namespace ?? '') ?? {};
      const assigned = this.#assigned.get(key);
      const isSame = assigned !== undefined && (assigned.uid === '' || assigned.uid === pod.metadata.uid);
      const read = readPod(pod, labels, isSame ? assigned.addresses : []);
      if (read !== undefined) pods.push(read);
    }
    for (const service of sources.nodeLocalServices()) {
      const labels = sources.namespaceLabels(service.metadata.namespace ?? '') ?? {};
      pods.push(readNodeLocalService(service, sources.pods(), labels));
    }
    return compileModel({
      pods,
      policies: sources.policies().map(policy => this.#readPolicy(policy)),
      nodes: sources.nodes().map(node => ({ name: node.metadata.name, addresses: addressesOf(node) })),
    });
  }

  /** The gate waited until the cache had the pod: when the cache has it no more, it is gone. */
  #forgetGone(cached: ReadonlyMap<string, Pod>): void {
    for (const [key, { uid, isPending }] of this.#assigned) {
      const known = cached.get(key);
      const isThere = known !== undefined && (uid === '' || known.metadata.uid === uid);
      if (!isThere && !isPending) this.#assigned.delete(key);
    }
  }

  #readPolicy(object: NetworkPolicy): Policy {
    const known = this.#readPolicies.get(object);
    if (known !== undefined) return known;
    const policy = readPolicy(object);
    this.#readPolicies.set(object, policy);
    return policy;
  }
}

/** Pods of a group that the kernel refuses a part of are closed. */
function refusedGroups(
  parts: readonly RefusedPart[],
  groups: readonly Group[],
): { readonly refused: ReadonlySet<string>; readonly problems: readonly Problem[] } {
  const refused = new Set<string>();
  const problems: Problem[] = [];
  for (const [key, name] of groupNames(groups)) {
    const part = parts.find(one => one.name.replace('drop-', '').startsWith(name));
    const group = groups.find(one => one.key === key);
    if (part === undefined || group === undefined) continue;
    refused.add(key);
    const pods = group.pods.map(pod => pod.key).join(', ');
    for (const provenance of group.policies)
      problems.push({
        provenance,
        sentence: `the kernel does not take its part in ${name}, so ${pods} are closed: ${part.sentence}`,
      });
  }
  return { refused, problems };
}
