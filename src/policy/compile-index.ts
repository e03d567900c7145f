import type { Problem } from '../base/provenance.ts';
import { formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { matchesSelector } from '../kube/selector.ts';
import { Register, podAnchors, subjectAnchor } from './compile-anchors.ts';
import { directions } from './model.ts';
import type { Direction, Policy, PolicyModel, PolicyPod } from './model.ts';

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
}

/**
 * The model, kept up to date object by object: a change costs what it concerns. It does not matter in which order the
 * objects come, nor what was there before.
 */
export class PolicyIndex implements PolicyModel {
  readonly pods = new Map<string, PolicyPod>();
  readonly podsByAddress = new Map<string, PolicyPod>();
  readonly nodesByAddress = new Map<string, string>();
  readonly policies = new Map<string, Policy>();
  readonly isolating: Readonly<Record<Direction, Map<string, readonly Policy[]>>> = {
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
        if (one !== undefined && matchesSelector(one.podSelector, pod.labels)) pods.add(pod);
    if (before !== undefined) this.#policiesByAnchor.remove([anchorOf(before)], before);
    if (policy === undefined) this.policies.delete(key);
    else {
      this.policies.set(key, policy);
      this.#policiesByAnchor.add([anchorOf(policy)], policy);
    }
    if (policy === undefined || policy.problems.length === 0) this.#problems.delete(key);
    else this.#problems.set(key, policy.problems);
    for (const pod of pods) this.#replaceIsolating(pod, key, policy);
  }

  setNodes(nodes: readonly { readonly name: string; readonly addresses: readonly Address[] }[]): void {
    this.nodesByAddress.clear();
    for (const { name, addresses } of nodes)
      for (const address of addresses) this.nodesByAddress.set(formatAddress(address), name);
  }

  /** What was touched since the last call. */
  takeTouched(): Touched {
    const touched = {
      pods: this.#touchedPods,
      addresses: this.#touchedAddresses,
      policies: this.#touchedPolicies,
    };
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
      .filter(policy => policy.namespace === pod.namespace && matchesSelector(policy.podSelector, pod.labels))
      .sort(byKey);
    for (const direction of directions) {
      const those = selecting.filter(policy => policy.isolates[direction]);
      if (those.length > 0) this.isolating[direction].set(pod.key, those);
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
    for (const direction of directions) this.isolating[direction].delete(pod.key);
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

  #replaceIsolating(pod: PolicyPod, key: string, policy: Policy | undefined): void {
    this.#touchedPods.add(pod.key);
    const selects = policy !== undefined && matchesSelector(policy.podSelector, pod.labels);
    for (const direction of directions) {
      const others = (this.isolating[direction].get(pod.key) ?? []).filter(one => one.key !== key);
      const those = selects && policy.isolates[direction] ? [...others, policy].sort(byKey) : others;
      if (those.length > 0) this.isolating[direction].set(pod.key, those);
      else this.isolating[direction].delete(pod.key);
    }
  }
}

const anchorOf = ({ namespace, podSelector }: Policy): string => subjectAnchor(namespace, podSelector);

const byKey = (a: Policy, b: Policy): number => (a.key < b.key ? -1 : 1);

/** The younger last, so that it gets an address that both claim. */
function byAge(a: PolicyPod, b: PolicyPod): number {
  if (a.created !== b.created) return a.created < b.created ? -1 : 1;
  if (a.uid !== b.uid) return a.uid < b.uid ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}
