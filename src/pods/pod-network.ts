import { existsSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { FairleadError, sentenceOf } from '../base/errors.ts';
import { formatAddress, formatPrefix } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { defaults } from '../kernel/contract.ts';
import { leakedAllocations, planAdoption } from './adoption.ts';
import type { AdoptionPlan } from './adoption.ts';
import { attachPods, detachPods, interfaceTaken, isNameTaken, verifyPodSide } from './apply-attachment.ts';
import { entriesOf } from './apply-entries.ts';
import { applyHostPorts, forgetEarlierFlows } from './apply-host-ports.ts';
import type { PodKernel } from './apply-kernel.ts';
import { applyChange, applyNetwork, countOf } from './apply-network.ts';
import { readKernel, readTable } from './apply-read.ts';
import { inForce } from './apply-tolerant.ts';
import type { Refusal } from './apply-tolerant.ts';
import { applySettings } from './apply-settings.ts';
import { hostInterfaceOf, podMacOf } from './attachment.ts';
import { Batch } from './batch.ts';
import type { Outcome } from './batch.ts';
import { compileHostSide } from './compile-attachment.ts';
import { missingHostPorts } from './compile-host-port-rules.ts';
import { compileHostPorts, hostPortsIn, sortHostPorts } from './compile-host-ports.ts';
import { compileNetwork } from './compile-network.ts';
import { isOnLink } from './compile-peers.ts';
import { keyed, neighbourKey, routeKey } from './compile-program.ts';
import type { NetworkProgram } from './compile-program.ts';
import type { Allocation, Ipam } from './ipam/ipam.ts';
import type { Attachment, AttachmentKey, NodeNetwork, Problem, Uplink } from './model.ts';
import { Mutex } from './mutex.ts';

export interface PodNetworkOptions {
  /** In the node's network namespace, which has to be this process's own. */
  readonly kernel: PodKernel;
  readonly ipam: Ipam;
  /** The cluster's pod prefixes where they are known; those of the nodes count in any case. */
  readonly clusterPrefixes?: readonly Prefix[];
  readonly clock: Clock;
  readonly log: Log;
}

export interface ReconcileReport {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What was not as the program says, and was put right. */
  readonly corrections: number;
  readonly adopted: number;
  readonly released: number;
}

/** An attachment as it was made. */
export interface Attached {
  readonly attachment: Attachment;
  readonly mtu: number;
}

/** So many pods are wired or unwired in one call of the kernel's thread; others get their turn in between. */
const podsAtOnce = 32;

/**
 * The pods' network of one node: holds the program that is in force and changes the kernel step by step. Every change
 * of the kernel goes through one lock, so a comparison never sees half of an attachment.
 */
export class PodNetwork {
  readonly #options: PodNetworkOptions;
  readonly #lock = new Mutex();
  readonly #running = new Set<string>();
  readonly #attaching = new Batch<Allocation, Attached>(
    allocations => this.#attachAll(allocations),
    podsAtOnce,
  );
  readonly #detaching = new Batch<AttachmentKey, void>(keys => this.#detachAll(keys), podsAtOnce);
  #nodes: { readonly self: NodeNetwork; readonly peers: readonly NodeNetwork[] } | undefined;
  #uplinks: readonly Uplink[] = [];
  #program: NetworkProgram | undefined;
  /** What our rules do, as the kernel tells it since they were written. */
  #fingerprint: string | undefined;
  #problems: readonly Problem[] = [];
  #refusals: readonly Problem[] = [];
  /** A change broke off: what the kernel has is known again after a comparison. */
  #isUncertain = false;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
  }

  /** This node, once its pod prefixes are known and programmed. */
  get self(): NodeNetwork | undefined {
    return this.#program === undefined ? undefined : this.#nodes?.self;
  }

  get program(): NetworkProgram | undefined {
    return this.#program;
  }

  get problems(): readonly Problem[] {
    return [...this.#problems, ...this.#refusals];
  }

  /** What a pod's interface carries: as much as the link that the node's own address is on. */
  get mtu(): number {
    const own = this.#uplinks.filter(uplink =>
      this.#nodes?.self.addresses.some(address => isOnLink(uplink, address)),
    );
    return own.length === 0 ? defaults.linkMtu : Math.min(...own.map(uplink => uplink.mtu));
  }

  /** Takes the cluster's nodes and brings the difference into the kernel; all of it when it is the first time. */
  async setNodes(self: NodeNetwork, peers: readonly NodeNetwork[]): Promise<void> {
    await this.#lock.run(async () => {
      this.#nodes = { self, peers };
      const before = this.#program;
      if (before === undefined || this.#isUncertain) {
        await this.#reconcile();
        return;
      }
      const after = this.#compile();
      this.#isUncertain = true;
      const refusals = await applyChange(this.#options.kernel, before, after);
      this.#isUncertain = false;
      this.#adopt(after, refusals);
    });
  }

  /** Compares the kernel and the store with what has to be, and puts right what differs. */
  reconcile(): Promise<ReconcileReport> {
    return this.#lock.run(() => this.#reconcile());
  }

  /** Wires a reserved attachment and assigns its addresses. When it fails, neither wires nor reservation are left. */
  attach(allocation: Allocation): Promise<Attached> {
    return this.#attaching.add(allocation);
  }

  /** Deletes the veth and frees the addresses; fine for what is gone already. The link goes before the addresses. */
  detach(key: AttachmentKey): Promise<void> {
    return this.#detaching.add(key);
  }

  /** Sentences of what an attachment lacks in the kernel. */
  async verify(allocation: Allocation): Promise<readonly string[]> {
    const attachment = attachmentOf(allocation);
    return this.#lock.run(async () => {
      const { kernel } = this.#options;
      const self = this.self;
      if (self === undefined) throw notReady();
      const state = await readKernel(kernel);
      const link = state.podLinks.get(attachment.hostInterface);
      if (link === undefined) return [`the node has no link ${attachment.hostInterface}`];
      const missing = link.up ? [] : [`${link.name} is down`];
      const side = entriesOf(compileHostSide(self, attachment));
      const routes = keyed(state.routes, routeKey);
      const neighbours = keyed(state.neighbours, neighbourKey);
      for (const [name, route] of side.routes)
        if (routes.get(name)?.device !== route.device) missing.push(`the node has no route to ${name}`);
      for (const [name, entry] of side.neighbours)
        if (neighbours.get(name)?.mac !== entry.mac) missing.push(`the node has no neighbour ${name}`);
      if (attachment.hostPorts.length > 0) {
        const sets = (await readTable(kernel))?.state.sets ?? new Map();
        for (const name of missingHostPorts(sets, compileHostPorts(attachment)))
          missing.push(`the node's port ${name} does not lead to the pod`);
      }
      return [...missing, ...(await verifyPodSide(kernel, attachment, allocation.sandbox, link.mtu))];
    });
  }

  /** Operations that are not through are left alone by adoption. Returns how to end it. */
  begin(key: AttachmentKey): () => void {
    const name = hostInterfaceOf(key);
    this.#running.add(name);
    return () => this.#running.delete(name);
  }

  async #reconcile(): Promise<ReconcileReport> {
    const { kernel, ipam, clock, log } = this.#options;
    const state = await readKernel(kernel);
    this.#uplinks = state.uplinks;
    const plan = planAdoption(ipam.list(), state, this.#running, clock.now());
    await detachPods(kernel, plan.deleteLinks);
    await this.#release(plan.release);
    const adopted = await this.#adoptAttachments(plan.adopt);
    const leaked = leakedAllocations(ipam.list(), state.podLinks, existsSync, clock.now());
    await this.#release(leaked);
    const released = plan.release.length + leaked.length;
    if (adopted.length + released > 0)
      log.warn({ adopted: adopted.length, released }, 'the address store and the kernel differed');
    if (this.#nodes === undefined)
      return { at: clock.now(), corrections: 0, adopted: adopted.length, released };
    const settings = await applySettings(kernel, this.#uplinks);
    const program = this.#compile();
    const { corrections, refusals, fingerprint } = await applyNetwork(kernel, program, this.#fingerprint);
    this.#fingerprint = fingerprint;
    this.#isUncertain = false;
    this.#adopt(program, refusals);
    const corrected = settings + countOf(corrections) - refusals.length;
    return { at: clock.now(), corrections: corrected, adopted: adopted.length, released };
  }

  /** With the ports of the node that the rules still lead to them. */
  async #adoptAttachments(found: AdoptionPlan['adopt']): Promise<AdoptionPlan['adopt']> {
    if (found.length === 0) return [];
    const { ipam, kernel } = this.#options;
    const sets = (await readTable(kernel))?.state.sets ?? new Map();
    return found.filter(one =>
      ipam.adopt({ ...one, sandbox: '', hostPorts: hostPortsIn(sets, one.addresses) }),
    );
  }

  #compile(): NetworkProgram {
    const nodes = this.#nodes;
    if (nodes === undefined) throw notReady();
    const attachments = this.#options.ipam
      .list()
      .filter(allocation => allocation.state === 'assigned')
      .map(attachmentOf);
    const { program, problems } = compileNetwork({
      ...nodes,
      clusterPrefixes: this.#options.clusterPrefixes ?? [],
      uplinks: this.#uplinks,
      attachments,
    });
    this.#problems = problems;
    return program;
  }

  #adopt(program: NetworkProgram, refusals: readonly Refusal[]): void {
    this.#program = inForce(program, refusals);
    this.#refusals = this.#describe(refusals);
  }

  /** Names the Node object that a refused operation is about: the one whose prefix it routes. */
  #describe(refusals: readonly Refusal[]): readonly Problem[] {
    return refusals.map(({ operation, sentence }) => {
      const destination = 'dst' in operation ? operation.dst : '';
      const owner = this.#nodes?.peers.find(peer =>
        peer.podPrefixes.some(prefix => formatPrefix(prefix) === destination),
      );
      return { object: `Node/${owner?.name ?? this.#nodes?.self.name}`, field: 'status.addresses', sentence };
    });
  }

  #attachAll(allocations: readonly Allocation[]): Promise<readonly Outcome<Attached>[]> {
    return this.#lock.run(async () => {
      const { kernel, ipam } = this.#options;
      const { mtu, self } = this;
      if (self === undefined) {
        ipam.release(allocations);
        throw notReady();
      }
      const wirings = allocations.map(allocation => ({
        attachment: attachmentOf(allocation),
        sandbox: allocation.sandbox,
        mtu,
      }));
      const names = wirings.map(({ attachment }) => attachment.hostInterface);
      let errors: readonly (Error | undefined)[];
      try {
        errors = await attachPods(kernel, self, wirings);
        ipam.assign(allocations.filter((_, index) => errors[index] === undefined));
      } catch (error) {
        await this.#undo(allocations, names);
        throw error;
      }
      const opened = await this.#openPorts(
        wirings.flatMap(({ attachment }, index) => (errors[index] === undefined ? [attachment] : [])),
      );
      if (opened instanceof Error)
        errors = errors.map((error, index) =>
          allocations[index]?.hostPorts.length === 0 ? error : (error ?? opened),
        );
      const failed = (_: unknown, index: number) => errors[index] !== undefined;
      await this.#undo(allocations.filter(failed), names.filter(failed));
      const attached = wirings.filter((_, index) => errors[index] === undefined);
      this.#add(attached.map(({ attachment }) => attachment));
      return wirings.map(({ attachment }, index): Outcome<Attached> => {
        const error = errors[index];
        if (error === undefined) return { result: { attachment, mtu } };
        return { error: isNameTaken(error) ? interfaceTaken(attachment, error) : error };
      });
    });
  }

  /** Leads the node's ports to pods that are wired; the error, if the kernel refuses. */
  async #openPorts(attachments: readonly Attachment[]): Promise<Error | undefined> {
    const entries = attachments.flatMap(compileHostPorts);
    const program = this.#program;
    if (entries.length === 0 || program === undefined) return undefined;
    const { kernel, log } = this.#options;
    const sets = { ...program.sets, hostPorts: sortHostPorts([...program.sets.hostPorts, ...entries]) };
    try {
      await applyHostPorts(kernel, program.sets, sets);
    } catch (error) {
      this.#isUncertain = true;
      return error instanceof Error ? error : new Error(sentenceOf(error));
    }
    this.#program = { ...program, sets };
    try {
      await forgetEarlierFlows(kernel, entries);
    } catch (error) {
      log.warn(
        { reason: sentenceOf(error) },
        "earlier flows to ports of the node that are a pod's now can't be deleted",
      );
    }
    return undefined;
  }

  /** Before the pods' links go, so that nobody is led to nowhere. */
  async #closePorts(devices: ReadonlySet<string>): Promise<void> {
    const program = this.#program;
    if (program?.sets.hostPorts.some(({ device }) => devices.has(device)) !== true) return;
    const hostPorts = program.sets.hostPorts.filter(({ device }) => !devices.has(device));
    const sets = { ...program.sets, hostPorts };
    await applyHostPorts(this.#options.kernel, program.sets, sets);
    this.#program = { ...program, sets };
  }

  /** Where even this fails, the reservations stay until their deadline: the addresses may still be in the kernel. */
  async #undo(allocations: readonly Allocation[], names: readonly string[]): Promise<void> {
    await detachPods(this.#options.kernel, names);
    this.#options.ipam.release(allocations);
  }

  #add(attachments: readonly Attachment[]): void {
    const { self } = this;
    if (self === undefined || this.#program === undefined) return;
    const sides = attachments.map(attachment => entriesOf(compileHostSide(self, attachment)));
    this.#program = {
      ...this.#program,
      routes: new Map([...this.#program.routes, ...sides.flatMap(side => [...side.routes])]),
      neighbours: new Map([...this.#program.neighbours, ...sides.flatMap(side => [...side.neighbours])]),
    };
  }

  #detachAll(keys: readonly AttachmentKey[]): Promise<readonly Outcome<void>[]> {
    return this.#lock.run(async () => {
      const { kernel } = this.#options;
      const names = keys.map(hostInterfaceOf);
      const gone = new Set(names);
      await this.#closePorts(gone);
      await detachPods(kernel, names);
      await this.#release(keys);
      const program = this.#program;
      if (program !== undefined) {
        const keep = <V extends { readonly device: string }>(entries: ReadonlyMap<string, V>) =>
          new Map([...entries].filter(([, entry]) => !gone.has(entry.device)));
        this.#program = { ...program, routes: keep(program.routes), neighbours: keep(program.neighbours) };
      }
      return keys.map(() => ({ result: undefined }));
    });
  }

  /** Frees addresses whose veths are gone. Their tracked connections go first: the next owner must not inherit them. */
  async #release(keys: readonly AttachmentKey[]): Promise<void> {
    const { ipam, kernel, log } = this.#options;
    const addresses = new Set(keys.flatMap(key => ipam.get(key)?.addresses ?? []).map(formatAddress));
    if (addresses.size > 0) {
      try {
        await kernel.forgetConnections([{ addresses }]);
      } catch (error) {
        // They end by their timeouts; a pod's end does not wait for that.
        log.warn(
          { reason: sentenceOf(error) },
          "the tracked connections of pods that ended can't be deleted",
        );
      }
    }
    ipam.release(keys);
  }
}

export function attachmentOf(allocation: Allocation): Attachment {
  const hostInterface = hostInterfaceOf(allocation);
  const { containerId, interfaceName, pod, addresses, hostPorts } = allocation;
  const mac = podMacOf(hostInterface);
  return { containerId, interfaceName, pod, addresses, hostInterface, mac, hostPorts };
}

export function notReady(): FairleadError {
  return new FairleadError('pods/not-ready', "the node's pod prefixes are not known yet", {
    hint: 'Look at spec.podCIDRs of the Node object: a controller has to fill them.',
  });
}
