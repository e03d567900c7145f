import { formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { Register, podAnchors } from './compile-anchors.ts';
import type { Identity } from './compile-allows.ts';
import { matchesDomain } from './compile-domains.ts';
import { GroupTables, nothing } from './compile-group-tables.ts';
import type { Group, LiveGroup } from './compile-group-tables.ts';
import { Identities, anchorsOf, namesPod } from './compile-identities.ts';
import { freeNumberOf, nameOf } from './compile-ids.ts';
import type { PolicyIndex, Touched } from './compile-index.ts';
import { resolvePort } from './compile-model.ts';
import { addressMaps, baseChains, closedChain } from './compile-nft.ts';
import type { Reports } from './compile-nft.ts';
import { LiveProgram } from './compile-program.ts';
import type { CountedGroup } from './compile-rule-places.ts';
import { sectionsOf } from './compile-sections.ts';
import { directions } from './model.ts';
import type { Direction, Policy, PolicyPod, Rule } from './model.ts';

/**
 * The program of one node, kept up to date with an index: a change costs the groups, identities and addresses that it
 * concerns. The same objects give the same program, whatever was before.
 */
export class PolicyCompiler {
  readonly program = new LiveProgram();
  readonly #index: PolicyIndex;
  readonly #node: string;
  readonly #tables: GroupTables;
  readonly #identities = new Identities();
  readonly #groups = new Map<string, LiveGroup>();
  readonly #names = new Map<string, LiveGroup>();
  readonly #groupOf = { ingress: new Map<string, LiveGroup>(), egress: new Map<string, LiveGroup>() };
  readonly #groupsOfPolicy = new Register<LiveGroup>();
  /** Policies of groups, by direction and the anchors of the pods that their rules may name. */
  readonly #policiesByAnchor = new Register<Policy>();
  readonly #groupsOfIdentity = new Register<LiveGroup>();
  #closed: ReadonlySet<string> = new Set();

  constructor(index: PolicyIndex, node: string, options: Reports) {
    this.#index = index;
    this.#node = node;
    this.#tables = new GroupTables(this.program, index, options.reportsDrops);
    for (const { name, declaration } of addressMaps) this.program.declare(name, 'map', declaration);
    for (const [name, chain] of baseChains(options)) this.program.setChain(name, chain);
  }

  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** What the kernel counts of each group's rules; without groups that are too large to be looked at again and again. */
  counted(): readonly CountedGroup[] {
    return [...this.#groups.values()]
      .filter(group => elementsOf(group) <= mostCounted)
      .map(group => ({
        name: group.name,
        rules: () =>
          group.policies.flatMap(policy => (policy.isAudited ? [] : policy.rules[group.direction])),
        places: () => this.#tables.places(group),
      }));
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
        this.#tables.writeOthers(group);
      }
    }
    if (touched.nodes)
      for (const group of this.#groups.values())
        if (!fresh.has(group) && group.policies.some(policy => policy.tier !== 'NetworkPolicy'))
          this.#tables.writeOthers(group);
    for (const group of this.#waitingFor(touched.names))
      if (!fresh.has(group)) this.#tables.writeOthers(group);
    for (const group of fresh) {
      group.sections = sectionsOf(group.direction, group.policies);
      this.#tables.restructure(group);
      for (const policy of group.policies) this.#name(group, policy.key, undefined, policy);
      this.#tables.writeOthers(group);
    }
    for (const identity of come)
      for (const { group, key, rules } of this.#namers(identity))
        if (!fresh.has(group)) this.#setRules(group, identity, key, rules);
    this.#tables.writeChains(group => this.#groups.has(group.key));
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

  /** Groups of policies with a domain name that has other addresses now. */
  #waitingFor(names: ReadonlySet<string>): ReadonlySet<LiveGroup> {
    const found = new Set<LiveGroup>();
    if (names.size === 0) return found;
    for (const [key, patterns] of this.#index.patterns)
      if ([...names].some(name => patterns.some(pattern => matchesDomain(pattern, name))))
        for (const group of this.#groupsOfPolicy.get(key)) found.add(group);
    return found;
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

  #erase(group: LiveGroup): void {
    for (const number of group.named.keys()) this.#groupsOfIdentity.remove([String(number)], group);
    this.#tables.erase(group);
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
    else this.#tables.writeNamed(group, named);
  }

  #forget(group: LiveGroup, number: number): void {
    const named = group.named.get(number);
    if (named !== undefined) this.#tables.forget(group, named);
    group.named.delete(number);
    this.#groupsOfIdentity.remove([String(number)], group);
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

/** Which rules an element is made of is found by compiling them one by one. */
const mostCounted = 5000;

const elementsOf = ({ named, others }: LiveGroup): number =>
  [others, ...[...named.values()].map(one => one.allows)]
    .flatMap(allows => [...allows.values()])
    .reduce((sum, elements) => sum + elements.length, 0);

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
