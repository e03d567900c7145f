import type { Problem } from '../base/provenance.ts';
import { formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { Register, peerAnchor, podAnchors } from './compile-anchors.ts';
import { selectsPod } from './decide.ts';
import { directions, tiers } from './model.ts';
import type { Direction, Labels, Policy, PolicyModel, PolicyPod } from './model.ts';

/** What a run of changes concerned. */
export interface Touched {
  /** Keys of pods that are others now, or isolated by other policies, or gone. */
  readonly pods: ReadonlySet<string>;
  /** Addresses that are another pod's now, or nobody's. */
  readonly addresses: ReadonlySet<string>;
  /** What each was before, and is now. */
  readonly policies: ReadonlyMap<
    string,
    { readonly before: Policy | undefined; readonly after: Policy | undefined }
  >;
  /** Nodes have other addresses or labels. */
  readonly nodes: boolean;
  /** Domain names that have other addresses. */
  readonly names: ReadonlySet<string>;
}

/** A node, as peers select it. */
export interface PolicyNodeFacts {
  readonly name: string;
  readonly labels: Labels;
  readonly addresses: readonly Address[];
}

/**
 * The model, kept up to date object by object: a change costs what it concerns. It does not matter in which order the
 * objects come, nor what was there before.
 */
export class PolicyIndex implements PolicyModel {
  readonly pods = new Map<string, PolicyPod>();
  readonly podsByAddress = new Map<string, PolicyPod>();
  readonly nodesByAddress = new Map<string, string>();
  readonly nodeLabels = new Map<string, Labels>();
  readonly namesByAddress = new Map<string, Set<string>>();
  readonly addressesByName = new Map<string, Set<string>>();
  readonly policies = new Map<string, Policy>();
  readonly covering: Readonly<Record<Direction, Map<string, readonly Policy[]>>> = {
    ingress: new Map(),
    egress: new Map(),
  };
  /** Pods that claim an address: the last has it. */
  readonly #claims = new Map<string, readonly PolicyPod[]>();
  readonly #podsByAnchor = new Register<PolicyPod>();
  readonly #policiesByAnchor = new Register<Policy>();
  readonly #problems = new Map<string, readonly Problem[]>();
  #touchedPods = new Set<string>();
  #touchedAddresses = new Set<string>();
  #nodeFacts = '[]';
  #areNodesTouched = false;
  #touchedNames = new Set<string>();
  /** Patterns that policies wait for, by the policies' keys. */
  readonly #patterns = new Map<string, readonly string[]>();
  #touchedPolicies = new Map<string, { before: Policy | undefined; after: Policy | undefined }>();

  get problems(): readonly Problem[] {
    return [...this.#problems].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, problems]) => problems);
  }

  /** Undefined: it is gone. The same object again costs nothing. */
  setPod(key: string, pod: PolicyPod | undefined): void {
    const before = this.pods.get(key);
    if (before === pod) return;
    this.#touchedPods.add(key);
    if (before !== undefined) this.#release(before);
    if (pod === undefined) this.pods.delete(key);
    else {
      this.pods.set(key, pod);
      this.#claim(pod);
    }
  }

  setPolicy(key: string, policy: Policy | undefined): void {
    const before = this.policies.get(key);
    if (before === policy) return;
    const touched = this.#touchedPolicies.get(key);
    this.#touchedPolicies.set(key, {
      before: touched === undefined ? before : touched.before,
      after: policy,
    });
    const pods = new Set<PolicyPod>();
    for (const one of [before, policy])
      for (const pod of one === undefined ? [] : this.#podsByAnchor.get(anchorOf(one)))
        if (one !== undefined && covers(one, pod)) pods.add(pod);
    if (before !== undefined) this.#policiesByAnchor.remove([anchorOf(before)], before);
    if (policy === undefined) this.policies.delete(key);
    else {
      this.policies.set(key, policy);
      this.#policiesByAnchor.add([anchorOf(policy)], policy);
    }
    const patterns = policy === undefined ? [] : patternsOf(policy);
    if (patterns.length === 0) this.#patterns.delete(key);
    else this.#patterns.set(key, patterns);
    if (policy === undefined || policy.problems.length === 0) this.#problems.delete(key);
    else this.#problems.set(key, policy.problems);
    for (const pod of pods) this.#replaceCovering(pod, key, policy);
  }

  setNodes(nodes: readonly PolicyNodeFacts[]): void {
    const facts = JSON.stringify(
      nodes.map(({ name, labels, addresses }) => [name, labels, addresses.map(formatAddress)]),
    );
    this.#areNodesTouched ||= facts !== this.#nodeFacts;
    this.#nodeFacts = facts;
    this.nodesByAddress.clear();
    this.nodeLabels.clear();
    for (const { name, labels, addresses } of nodes) {
      this.nodeLabels.set(name, labels);
      for (const address of addresses) this.nodesByAddress.set(formatAddress(address), name);
    }
  }

  /** The domain names and wildcards that policies wait for, by the policies' keys. */
  get patterns(): ReadonlyMap<string, readonly string[]> {
    return this.#patterns;
  }

  /** The address was told for the name; or is not held for it any more. */
  setName(name: string, address: string, isHeld: boolean): void {
    const addresses = this.addressesByName.get(name) ?? new Set();
    if (addresses.has(address) === isHeld) return;
    const names = this.namesByAddress.get(address) ?? new Set();
    this.#touchedNames.add(name);
    if (isHeld) {
      this.addressesByName.set(name, addresses.add(address));
      this.namesByAddress.set(address, names.add(name));
      return;
    }
    addresses.delete(address);
    names.delete(name);
    if (addresses.size === 0) this.addressesByName.delete(name);
    if (names.size === 0) this.namesByAddress.delete(address);
  }

  /** What was touched since the last call. */
  takeTouched(): Touched {
    const touched = {
      pods: this.#touchedPods,
      addresses: this.#touchedAddresses,
      policies: this.#touchedPolicies,
      nodes: this.#areNodesTouched,
      names: this.#touchedNames,
    };
    this.#touchedNames = new Set();
    this.#areNodesTouched = false;
    this.#touchedPods = new Set();
    this.#touchedAddresses = new Set();
    this.#touchedPolicies = new Map();
    return touched;
  }

  #claim(pod: PolicyPod): void {
    if (pod.hostNetwork) return;
    for (const address of pod.addresses) {
      const text = formatAddress(address);
      this.#settle(text, [...(this.#claims.get(text) ?? []), pod].sort(byAge));
    }
    if (pod.node === '') return;
    const anchors = podAnchors(pod);
    this.#podsByAnchor.add(anchors, pod);
    const selecting = anchors
      .flatMap(anchor => [...this.#policiesByAnchor.get(anchor)])
      .filter(policy => covers(policy, pod))
      .sort(byOrder);
    for (const direction of directions) {
      const those = selecting.filter(policy => policy.covers[direction]);
      if (those.length > 0) this.covering[direction].set(pod.key, those);
    }
  }

  #release(pod: PolicyPod): void {
    if (pod.hostNetwork) return;
    for (const address of pod.addresses) {
      const text = formatAddress(address);
      this.#settle(
        text,
        (this.#claims.get(text) ?? []).filter(other => other !== pod),
      );
    }
    this.#podsByAnchor.remove(podAnchors(pod), pod);
    for (const direction of directions) this.covering[direction].delete(pod.key);
  }

  #settle(address: string, claims: readonly PolicyPod[]): void {
    this.#touchedAddresses.add(address);
    const winner = claims.at(-1);
    if (winner === undefined) {
      this.#claims.delete(address);
      this.podsByAddress.delete(address);
    } else {
      this.#claims.set(address, claims);
      this.podsByAddress.set(address, winner);
    }
  }

  #replaceCovering(pod: PolicyPod, key: string, policy: Policy | undefined): void {
    this.#touchedPods.add(pod.key);
    const selects = policy !== undefined && covers(policy, pod);
    for (const direction of directions) {
      const others = (this.covering[direction].get(pod.key) ?? []).filter(one => one.key !== key);
      const those = selects && policy.covers[direction] ? [...others, policy].sort(byOrder) : others;
      if (those.length > 0) this.covering[direction].set(pod.key, those);
      else this.covering[direction].delete(pod.key);
    }
  }
}

const patternsOf = ({ rules }: Policy): readonly string[] =>
  rules.egress.flatMap(rule => (rule.peers ?? []).flatMap(peer => (peer.is === 'domains' ? peer.names : [])));

const anchorOf = ({ namespace, subject }: Policy): string => peerAnchor(namespace, subject);

const covers = ({ namespace, subject }: Policy, pod: PolicyPod): boolean =>
  selectsPod(subject, namespace, pod);

/** As they are asked: tier, priority, and the key where the API leaves the order open. */
function byOrder(a: Policy, b: Policy): number {
  if (a.tier !== b.tier) return tiers.indexOf(a.tier) - tiers.indexOf(b.tier);
  if (a.priority !== b.priority) return a.priority - b.priority;
  return a.key < b.key ? -1 : 1;
}

/** The younger last, so that it gets an address that both claim. */
function byAge(a: PolicyPod, b: PolicyPod): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1;
  if (a.uid !== b.uid) return a.uid < b.uid ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}
