import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { matchesSelector } from '../kube/selector.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import { allowParts, compileOthers, compilePeer } from './compile-allows.ts';
import type { AllowPart, Allows, Identity, PeerAddresses } from './compile-allows.ts';
import { matchesDomain } from './compile-domains.ts';
import { chainNamesOf, declarationOf, groupChains, setNameOf } from './compile-nft.ts';
import type { ChainProgram, LiveProgram } from './compile-program.ts';
import { rulePlaces } from './compile-rule-places.ts';
import type { RulePlace } from './compile-rule-places.ts';
import { suffixOf } from './compile-sections.ts';
import type { Section } from './compile-sections.ts';
import type { Direction, Policy, PolicyModel, PolicyPod, Rule } from './model.ts';

/** Local pods that the same policies isolate in one direction, and what these allow: a table of their own in the kernel. */
export interface Group {
  readonly key: string;
  /** Of its chain. */
  readonly name: string;
  readonly direction: Direction;
  readonly policies: readonly Policy[];
  readonly pods: ReadonlyMap<string, PolicyPod>;
}

export interface LiveGroup extends Group {
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
export interface Named {
  readonly identity: Identity;
  /** By the key of their policy. */
  readonly rules: Map<string, readonly Rule[]>;
  /** What stands in the program. */
  allows: Allows;
}

export const nothing: Allows = new Map();

/** Writes what groups allow into a program: their sets, and chains that look these up. */
export class GroupTables {
  readonly #program: LiveProgram;
  readonly #model: PolicyModel;
  readonly #reportsDrops: boolean;
  readonly #addresses: PeerAddresses = {
    ofNodes: selector => this.#nodesOf(selector),
    ofDomains: patterns => addressesOfDomains(this.#model, patterns),
  };
  /** Groups that have other sets than their chains say. */
  readonly #restructured = new Set<LiveGroup>();

  constructor(program: LiveProgram, model: PolicyModel, reportsDrops: boolean) {
    this.#program = program;
    this.#model = model;
    this.#reportsDrops = reportsDrops;
  }

  /** Where the kernel counts what its rules do. */
  places(group: LiveGroup): readonly RulePlace[] {
    return rulePlaces(group, this.#program, this.#addresses);
  }

  /** Takes what stands of it in the program away. */
  erase(group: LiveGroup): void {
    for (const { allows } of group.named.values()) this.#setElements(group, allows, nothing);
    this.#setElements(group, group.others, nothing);
    group.named.clear();
    group.others = nothing;
    group.all = new Set();
    this.#setChains(group, new Map());
  }

  writeNamed(group: LiveGroup, named: Named): void {
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

  /** Nobody named it any more. */
  forget(group: LiveGroup, named: Named): void {
    this.#setElements(group, named.allows, nothing);
    named.allows = nothing;
  }

  /** Of groups that `isThere`, once all of their sets are written. */
  writeChains(isThere: (group: LiveGroup) => boolean): void {
    for (const group of this.#restructured) if (isThere(group)) this.#writeChains(group);
    this.#restructured.clear();
  }

  /** It has no chains yet. */
  restructure(group: LiveGroup): void {
    this.#restructured.add(group);
  }

  writeOthers(group: LiveGroup): void {
    const [member] = group.pods.values();
    if (member === undefined) return;
    const { direction } = group;
    const others: (readonly [string, readonly string[]])[] = [];
    const all = new Set<string>();
    for (const section of group.sections) {
      const found = compileOthers(direction, section.rules, member, this.#addresses);
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
    for (const named of group.named.values()) this.writeNamed(group, named);
  }

  #nodesOf(selector: LabelSelector): readonly Address[] {
    const { nodeLabels, nodesByAddress } = this.#model;
    return [...nodesByAddress]
      .filter(([, node]) => matchesSelector(selector, nodeLabels.get(node)))
      .map(([address]) => parseAddress(address))
      .filter(address => address !== undefined);
  }

  #setElements(group: LiveGroup, before: Allows, after: Allows): void {
    for (const suffix of new Set([...before.keys(), ...after.keys()])) {
      const [old, young] = [before.get(suffix) ?? [], after.get(suffix) ?? []];
      const set = setNameOf(group.name, suffix);
      const isNew = young.length > 0 && !this.#program.sets.has(set);
      if (isNew) this.#program.declare(set, 'set', declarationOf(group.direction, partNamed(suffix)));
      const kept = new Set(young);
      for (const element of old) if (!kept.has(element)) this.#program.setElement(set, element, undefined);
      for (const element of young) this.#program.setElement(set, element, '');
      const isEmpty = this.#program.sets.get(set)?.elements.size === 0;
      if (isEmpty) this.#program.removeSet(set);
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
      allowParts.filter(part => this.#program.sets.has(setNameOf(name, suffixOf(section.name, part)))),
    );
  }

  #setChains(group: LiveGroup, chains: ReadonlyMap<string, ChainProgram>): void {
    for (const name of chainNamesOf(group.name)) this.#program.setChain(name, chains.get(name));
  }
}

function addressesOfDomains(model: PolicyModel, patterns: readonly string[]): readonly Address[] {
  const found = new Set<string>();
  const take = (addresses: Iterable<string>) => {
    for (const address of addresses) found.add(address);
  };
  for (const pattern of patterns) {
    if (!pattern.startsWith('*.')) take(model.addressesByName.get(pattern) ?? []);
    else
      for (const [name, addresses] of model.addressesByName)
        if (matchesDomain(pattern, name)) take(addresses);
  }
  return [...found].map(parseAddress).filter(address => address !== undefined);
}

const withSuffix = ({ name }: Section, allows: Allows): readonly (readonly [string, readonly string[]])[] =>
  [...allows].map(([part, elements]) => [suffixOf(name, part), elements]);

/** `admin0-ports` → `ports` */
function partNamed(suffix: string): AllowPart {
  const name = suffix.slice(suffix.lastIndexOf('-') + 1);
  return allowParts.find(part => part === name) ?? 'ports';
}
