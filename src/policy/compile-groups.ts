import type { Address } from '../base/ip.ts';
import { formatAddress, parseAddress } from '../base/ip.ts';
import { matchesSelector } from '../kube/selector.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import { Register, podAnchors } from './compile-anchors.ts';
import { allowParts, compileOthers, compilePeer } from './compile-allows.ts';
import type { AllowPart, Allows, Identity } from './compile-allows.ts';
import { Identities, anchorsOf, namesPod } from './compile-identities.ts';
import { freeNumberOf, nameOf } from './compile-ids.ts';
import type { PolicyIndex, Touched } from './compile-index.ts';
import { resolvePort } from './compile-model.ts';
import {
  addressMaps,
  baseChains,
  closedChain,
  chainNamesOf,
  declarationOf,
  groupChains,
  setNameOf,
} from './compile-nft.ts';
import { LiveProgram } from './compile-program.ts';
import type { ChainProgram } from './compile-program.ts';
import { sectionsOf, suffixOf } from './compile-sections.ts';
import type { Section } from './compile-sections.ts';
import { directions } from './model.ts';
import type { Direction, Policy, PolicyPod, Rule } from './model.ts';

/** Local pods that the same policies isolate in one direction, and what these allow: a table of their own in the kernel. */
export interface Group {
  readonly key: string;
  /** Of its chain. */
  readonly name: string;
  readonly direction: Direction;
  readonly policies: readonly Policy[];
  readonly pods: ReadonlyMap<string, PolicyPod>;
}

interface LiveGroup extends Group {
  policies: readonly Policy[];
  readonly pods: Map<string, PolicyPod>;
  sections: readonly Section[];
  /** What stands in the program for whom no identity is needed. */
  others: Allows;
  /** Names of sections that are for everything. */
  all: ReadonlySet<string>;
  readonly named: Map<number, Named>;
  /** The kernel did not take it: its pods are closed. */
  isRefused: boolean;
}

/** An identity that rules of a group name. */
interface Named {
  readonly identity: Identity;
  /** By the key of their policy. */
  readonly rules: Map<string, readonly Rule[]>;
  /** What stands in the program. */
  allows: Allows;
}

const nothing: Allows = new Map();

/**
 * The program of one node, kept up to date with an index: a change costs the groups, identities and addresses that it
 * concerns. The same objects give the same program, whatever was before.
 */
export class PolicyCompiler {
  readonly program = new LiveProgram();
  readonly #index: PolicyIndex;
  readonly #node: string;
  readonly #reportsDrops: boolean;
  readonly #identities = new Identities();
  readonly #groups = new Map<string, LiveGroup>();
  readonly #names = new Map<string, LiveGroup>();
  readonly #groupOf = { ingress: new Map<string, LiveGroup>(), egress: new Map<string, LiveGroup>() };
  readonly #groupsOfPolicy = new Register<LiveGroup>();
  /** Policies of groups, by direction and the anchors of the pods that their rules may name. */
  readonly #policiesByAnchor = new Register<Policy>();
  readonly #groupsOfIdentity = new Register<LiveGroup>();
  /** Groups that have other sets than their chains say. */
  readonly #restructured = new Set<LiveGroup>();
  #closed: ReadonlySet<string> = new Set();

  constructor(index: PolicyIndex, node: string, options: { readonly reportsDrops: boolean }) {
    this.#index = index;
    this.#node = node;
    this.#reportsDrops = options.reportsDrops;
    for (const { name, declaration } of addressMaps) this.program.declare(name, 'map', declaration);
    for (const [name, chain] of baseChains(options.reportsDrops)) this.program.setChain(name, chain);
  }

  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** By the name of its chain. */
  group(name: string): Group | undefined {
    return this.#names.get(name);
  }

  /** It isolates a pod of this node. */
  isInForce(policyKey: string): boolean {
    return this.#groupsOfPolicy.has(policyKey);
  }

  /** Follows what the index was told since the last call. `closed`: addresses of pods whose policies are not known yet. */
  update(closed: readonly Address[]): void {
    const touched = this.#index.takeTouched();
    const renewed = new Set(touched.addresses);
    const owner = (address: string) => this.#index.podsByAddress.get(address);
    const { come, gone } = this.#identities.change(touched.addresses, owner);
    const fresh = this.#regroup(touched, renewed);
    for (const group of this.#groups.values()) {
      if (!group.isRefused) continue;
      group.isRefused = false;
      fresh.add(group);
      this.#renewPods(group, renewed);
    }
    for (const { number } of gone)
      for (const group of this.#groupsOfIdentity.get(String(number))) this.#forget(group, number);
    for (const [key, { before, after }] of touched.policies) {
      this.#follow(before, after);
      for (const group of this.#groupsOfPolicy.get(key)) {
        if (fresh.has(group)) continue;
        if (!isUnited(before) || !isUnited(after)) {
          // Its rules may be others in number and order, and the sections with them.
          this.#erase(group);
          fresh.add(group);
          continue;
        }
        group.sections = sectionsOf(group.direction, group.policies);
        this.#name(group, key, before, after);
        this.#writeOthers(group);
      }
    }
    if (touched.nodes)
      for (const group of this.#groups.values())
        if (!fresh.has(group) && group.policies.some(policy => policy.tier !== 'NetworkPolicy'))
          this.#writeOthers(group);
    for (const group of fresh) {
      group.sections = sectionsOf(group.direction, group.policies);
      this.#restructured.add(group);
      for (const policy of group.policies) this.#name(group, policy.key, undefined, policy);
      this.#writeOthers(group);
    }
    for (const identity of come)
      for (const { group, key, rules } of this.#namers(identity))
        if (!fresh.has(group)) this.#setRules(group, identity, key, rules);
    for (const group of this.#restructured) if (this.#groups.has(group.key)) this.#writeChains(group);
    this.#restructured.clear();
    const closedNow = new Set(closed.map(formatAddress));
    for (const address of this.#closed.symmetricDifference(closedNow)) renewed.add(address);
    this.#closed = closedNow;
    for (const address of renewed) this.#writeAddress(address);
  }

  /** Closes the pods of groups that the kernel does not take, until the next update. */
  refuse(groups: Iterable<Group>): void {
    const renewed = new Set<string>();
    for (const { key } of groups) {
      const group = this.#groups.get(key);
      if (group === undefined) continue;
      this.#erase(group);
      group.isRefused = true;
      this.#renewPods(group, renewed);
    }
    for (const address of renewed) this.#writeAddress(address);
  }

  /** Puts touched pods into their groups; returns the groups that are new. */
  #regroup({ pods }: Touched, renewed: Set<string>): Set<LiveGroup> {
    const fresh = new Set<LiveGroup>();
    const left = new Set<LiveGroup>();
    for (const podKey of pods) {
      const pod = this.#index.pods.get(podKey);
      for (const address of pod?.addresses ?? []) renewed.add(formatAddress(address));
      for (const direction of directions) {
        const policies = this.#index.covering[direction].get(podKey);
        const isHere = pod !== undefined && pod.node === this.#node && policies !== undefined;
        const before = this.#groupOf[direction].get(podKey);
        const after = isHere ? this.#join(direction, pod, policies, fresh) : undefined;
        if (after !== before && before !== undefined) {
          before.pods.delete(podKey);
          left.add(before);
        }
        if (after === undefined) this.#groupOf[direction].delete(podKey);
        else this.#groupOf[direction].set(podKey, after);
      }
    }
    for (const group of left) {
      if (group.pods.size > 0) continue;
      this.#remove(group);
      fresh.delete(group);
    }
    return fresh;
  }

  #join(direction: Direction, pod: PolicyPod, policies: readonly Policy[], fresh: Set<LiveGroup>): LiveGroup {
    const key = groupKey(direction, policies, pod);
    const known = this.#groups.get(key);
    if (known !== undefined) {
      known.policies = policies;
      known.pods.set(pod.key, pod);
      return known;
    }
    const chainOf = (number: number) => `${direction}-${nameOf(number)}`;
    const group: LiveGroup = {
      key,
      name: chainOf(freeNumberOf(key, number => this.#names.has(chainOf(number)))),
      direction,
      policies,
      pods: new Map([[pod.key, pod]]),
      sections: [],
      others: nothing,
      all: new Set(),
      named: new Map(),
      isRefused: false,
    };
    this.#groups.set(key, group);
    this.#names.set(group.name, group);
    for (const policy of policies) {
      this.#groupsOfPolicy.add([policy.key], group);
      this.#policiesByAnchor.add(policyAnchors(policy), policy);
    }
    fresh.add(group);
    return group;
  }

  #remove(group: LiveGroup): void {
    this.#erase(group);
    for (const policy of group.policies) {
      this.#groupsOfPolicy.remove([policy.key], group);
      if (!this.#groupsOfPolicy.has(policy.key)) this.#policiesByAnchor.remove(policyAnchors(policy), policy);
    }
    this.#names.delete(group.name);
    this.#groups.delete(group.key);
  }

  /** Takes what stands of it in the program away. */
  #erase(group: LiveGroup): void {
    for (const { allows } of group.named.values()) this.#setElements(group, allows, nothing);
    this.#setElements(group, group.others, nothing);
    for (const number of group.named.keys()) this.#groupsOfIdentity.remove([String(number)], group);
    group.named.clear();
    group.others = nothing;
    group.all = new Set();
    this.#setChains(group, new Map());
  }

  /** The policies whose rules may name an identity that comes: the one that is there now. */
  #follow(before: Policy | undefined, after: Policy | undefined): void {
    if (before !== undefined) this.#policiesByAnchor.remove(policyAnchors(before), before);
    if (after !== undefined && this.#groupsOfPolicy.has(after.key))
      this.#policiesByAnchor.add(policyAnchors(after), after);
  }

  /** After one policy of the group changed: whom it named, and whom it names now. */
  #name(group: LiveGroup, key: string, before: Policy | undefined, after: Policy | undefined): void {
    const now = after === undefined ? new Map() : this.#identities.namedBy(after, group.direction);
    if (before !== undefined)
      for (const identity of this.#identities.namedBy(before, group.direction).keys())
        if (!now.has(identity)) this.#setRules(group, identity, key, []);
    for (const [identity, rules] of now) this.#setRules(group, identity, key, rules);
  }

  #setRules(group: LiveGroup, identity: Identity, key: string, rules: readonly Rule[]): void {
    const known = group.named.get(identity.number);
    if (known === undefined && rules.length === 0) return;
    const named = known ?? { identity, rules: new Map<string, readonly Rule[]>(), allows: nothing };
    if (known === undefined) {
      group.named.set(identity.number, named);
      this.#groupsOfIdentity.add([String(identity.number)], group);
    }
    if (rules.length === 0) named.rules.delete(key);
    else named.rules.set(key, rules);
    if (named.rules.size === 0) this.#forget(group, identity.number);
    else this.#writeNamed(group, named);
  }

  #forget(group: LiveGroup, number: number): void {
    const named = group.named.get(number);
    if (named !== undefined) this.#setElements(group, named.allows, nothing);
    group.named.delete(number);
    this.#groupsOfIdentity.remove([String(number)], group);
  }

  #writeNamed(group: LiveGroup, named: Named): void {
    const [member] = group.pods.values();
    if (member === undefined) return;
    const rules = [...named.rules.values()].flat();
    const { direction, sections } = group;
    const allows = sections.flatMap(section => {
      if (group.all.has(section.name)) return [];
      const own = sections.length === 1 ? rules : rules.filter(rule => section.rules.has(rule));
      if (own.length === 0) return [];
      return withSuffix(section, compilePeer(direction, own, member, named.identity));
    });
    this.#setElements(group, named.allows, new Map(allows));
    named.allows = new Map(allows);
  }

  #writeOthers(group: LiveGroup): void {
    const [member] = group.pods.values();
    if (member === undefined) return;
    const { direction } = group;
    const others: (readonly [string, readonly string[]])[] = [];
    const all = new Set<string>();
    for (const section of group.sections) {
      const found = compileOthers(direction, section.rules, member, selector => this.#nodesOf(selector));
      if (found === 'all') all.add(section.name);
      else others.push(...withSuffix(section, found));
    }
    const young = new Map(others);
    this.#setElements(group, group.others, young);
    group.others = young;
    const isSame = all.symmetricDifference(group.all).size === 0;
    group.all = all;
    if (isSame) return;
    this.#restructured.add(group);
    for (const named of group.named.values()) this.#writeNamed(group, named);
  }

  #nodesOf(selector: LabelSelector): readonly Address[] {
    const { nodeLabels, nodesByAddress } = this.#index;
    return [...nodesByAddress]
      .filter(([, node]) => matchesSelector(selector, nodeLabels.get(node)))
      .map(([address]) => parseAddress(address))
      .filter(address => address !== undefined);
  }

  #setElements(group: LiveGroup, before: Allows, after: Allows): void {
    for (const suffix of new Set([...before.keys(), ...after.keys()])) {
      const [old, young] = [before.get(suffix) ?? [], after.get(suffix) ?? []];
      const set = setNameOf(group.name, suffix);
      const isNew = young.length > 0 && !this.program.sets.has(set);
      if (isNew) this.program.declare(set, 'set', declarationOf(group.direction, partNamed(suffix)));
      const kept = new Set(young);
      for (const element of old) if (!kept.has(element)) this.program.setElement(set, element, undefined);
      for (const element of young) this.program.setElement(set, element, '');
      const isEmpty = this.program.sets.get(set)?.elements.size === 0;
      if (isEmpty) this.program.removeSet(set);
      if (isNew || isEmpty) this.#restructured.add(group);
    }
  }

  #writeChains(group: LiveGroup): void {
    const sections = group.sections.map(section => ({
      section,
      parts: group.all.has(section.name) ? ('all' as const) : this.#partsOf(group, section),
    }));
    this.#setChains(group, groupChains(group.direction, group.name, sections, this.#reportsDrops));
  }

  #partsOf({ name }: LiveGroup, section: Section): ReadonlySet<AllowPart> {
    return new Set(
      allowParts.filter(part => this.program.sets.has(setNameOf(name, suffixOf(section.name, part)))),
    );
  }

  #setChains(group: LiveGroup, chains: ReadonlyMap<string, ChainProgram>): void {
    for (const name of chainNamesOf(group.name)) this.program.setChain(name, chains.get(name));
  }

  /** The rules that name the identity, by group and policy. */
  *#namers({ pod }: Identity) {
    const anchors = podAnchors(pod);
    for (const direction of directions) {
      const policies = new Set(
        anchors.flatMap(anchor => [...this.#policiesByAnchor.get(`${direction} ${anchor}`)]),
      );
      for (const { key, namespace, rules: all } of policies) {
        const rules = all[direction].filter(rule => namesPod(rule, namespace, pod));
        if (rules.length === 0) continue;
        for (const group of this.#groupsOfPolicy.get(key))
          if (group.direction === direction) yield { group, key, rules };
      }
    }
  }

  #renewPods(group: LiveGroup, renewed: Set<string>): void {
    for (const pod of group.pods.values())
      for (const address of pod.addresses) renewed.add(formatAddress(address));
  }

  /** Of two pods that claim one address the younger has it. */
  #writeAddress(address: string): void {
    const family = address.includes(':') ? 6 : 4;
    const number = this.#identities.numberOf(address);
    this.program.setElement(`identity${family}`, address, number === undefined ? undefined : String(number));
    const pod = this.#index.podsByAddress.get(address);
    for (const direction of directions) {
      const group = pod === undefined ? undefined : this.#groupOf[direction].get(pod.key);
      const chain = this.#closed.has(address) || group?.isRefused === true ? closedChain : group?.name;
      this.program.setElement(
        `${direction}${family}`,
        address,
        chain === undefined ? undefined : `jump ${chain}`,
      );
    }
  }
}

/** Pods share a group when named ports of their ingress rules are the same numbers on them. */
function groupKey(direction: Direction, policies: readonly Policy[], pod: PolicyPod): string {
  const named =
    direction === 'egress'
      ? []
      : policies
          .flatMap(policy => policy.rules.ingress.flatMap(rule => rule.ports ?? []))
          .filter(port => port.is === 'named')
          .map(({ name, protocol }) => `${name} ${protocol} ${resolvePort(pod, name, protocol) ?? '-'}`);
  return JSON.stringify([direction, policies.map(policy => policy.key), [...new Set(named)].sort()]);
}

const policyAnchors = ({ namespace, rules }: Policy): readonly string[] =>
  directions.flatMap(direction =>
    rules[direction].flatMap(rule => anchorsOf(rule, namespace).map(anchor => `${direction} ${anchor}`)),
  );

/** Its rules are looked up with those of the others, whatever their order. */
const isUnited = (policy: Policy | undefined): boolean =>
  policy?.tier === 'NetworkPolicy' && !policy.isAudited;

const withSuffix = ({ name }: Section, allows: Allows): readonly (readonly [string, readonly string[]])[] =>
  [...allows].map(([part, elements]) => [suffixOf(name, part), elements]);

/** `admin0-ports` → `ports` */
function partNamed(suffix: string): AllowPart {
  const name = suffix.slice(suffix.lastIndexOf('-') + 1);
  return allowParts.find(part => part === name) ?? 'ports';
}
