import { nft } from '../kernel/contract.ts';
import { nameOf, numberOf } from './compile-ids.ts';
import type { ChainProgram, PolicyProgram, SetProgram } from './compile-program.ts';

/** What the kernel has, as `list table` tells it: comments of sets and rules are the digests of their text. */
export interface TableState {
  readonly sets: ReadonlyMap<
    string,
    { readonly digest: string; readonly elements: ReadonlyMap<string, string> }
  >;
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/** Commands that are taken or refused together; in order, all changes together are one transaction. */
export interface TableChange {
  readonly commands: string;
  /** The set or chain that it is about. */
  readonly provenance: string;
}

/** Elements that go and come, of a set that is there. */
export interface ElementChange {
  readonly table: string;
  readonly set: string;
  /** The set's key as nft declares it. */
  readonly type: string;
  readonly isInterval: boolean;
  readonly remove: readonly string[];
  readonly add: readonly (readonly [key: string, value: string])[];
}

const table = nft.tables.policy;

/** What the table has to look like to be the program. */
export function stateOf(program: PolicyProgram): TableState {
  return {
    sets: new Map(
      [...program.sets].map(([name, set]) => [
        name,
        { digest: digestOf(set.declaration), elements: set.elements },
      ]),
    ),
    chains: new Map([...program.chains].map(([name, chain]) => [name, chain.rules.map(digestOf)])),
  };
}

/** How the elements of the program's sets are read. */
export const elementTypesOf = ({ sets }: PolicyProgram) =>
  new Map([...sets].map(([name, { declaration }]) => [name, typeOf(declaration)]));

/** `type mark . inet_proto : verdict; flags interval;` */
function typeOf(declaration: string): {
  readonly key: string;
  readonly value?: string;
  readonly isInterval: boolean;
} {
  const { key = '', value } = /^type (?<key>[^;:]*?)(?: : (?<value>\w+))?;/.exec(declaration)?.groups ?? {};
  const isInterval = declaration.includes('flags interval');
  return { key, ...(value === undefined ? {} : { value }), isInterval };
}

/**
 * The smallest change from what is there to the program; none when they are the same. A set that was declared otherwise
 * (by another version) cannot be changed: then the whole table is made anew, in the same transaction.
 */
export function compileDelta(actual: TableState | undefined, desired: PolicyProgram): readonly TableChange[] {
  const isDeclaredOtherwise = [...desired.sets].some(([name, set]) => {
    const present = actual?.sets.get(name);
    return present !== undefined && present.digest !== digestOf(set.declaration);
  });
  if (isDeclaredOtherwise) {
    const [first, ...rest] = compileDelta(undefined, desired);
    return [{ provenance: table, commands: `delete table inet ${table}\n${first?.commands ?? ''}` }, ...rest];
  }
  const changes: TableChange[] = [];
  if (actual === undefined) changes.push({ provenance: table, commands: `add table inet ${table}` });
  for (const [name, set] of desired.sets)
    if (actual?.sets.has(name) !== true) changes.push({ provenance: name, commands: addSet(name, set) });
  for (const [name, chain] of desired.chains)
    if (actual?.chains.has(name) !== true)
      changes.push({ provenance: name, commands: addChain(name, chain) });
  for (const [name, chain] of desired.chains) {
    const commands = changeRules(name, actual?.chains.get(name), chain);
    if (commands !== '') changes.push({ provenance: name, commands });
  }
  for (const [name, set] of desired.sets) {
    const commands = changeElements(name, actual?.sets.get(name)?.elements, set);
    if (commands !== '') changes.push({ provenance: name, commands });
  }
  changes.push(...removals(actual, desired));
  return changes;
}

/** The change as elements alone; undefined where sets, chains or rules are others too. */
export function compileElements(
  before: TableState,
  after: PolicyProgram,
): readonly ElementChange[] | undefined {
  if (before.chains.size > 0 || after.chains.size > 0) return undefined;
  if (before.sets.size !== after.sets.size) return undefined;
  const changes: ElementChange[] = [];
  for (const [set, { declaration, elements }] of after.sets) {
    const present = before.sets.get(set)?.elements;
    const { key: type, isInterval } = typeOf(declaration);
    if (present === undefined || type === '') return undefined;
    changes.push({
      table,
      set,
      type,
      isInterval,
      remove: [...present].filter(([key, value]) => elements.get(key) !== value).map(([key]) => key),
      add: [...elements].filter(([key, value]) => present.get(key) !== value),
    });
  }
  return changes;
}

const addSet = (name: string, set: SetProgram): string =>
  `add ${set.kind} inet ${table} ${name} { ${set.declaration} comment "${digestOf(set.declaration)}"; }`;

const addChain = (name: string, chain: ChainProgram): string =>
  `add chain inet ${table} ${name}${chain.base === undefined ? '' : ` { ${chain.base} }`}`;

function changeRules(name: string, present: readonly string[] | undefined, chain: ChainProgram): string {
  const digests = chain.rules.map(digestOf);
  if ((present ?? []).join() === digests.join()) return '';
  return [
    ...(present === undefined ? [] : [`flush chain inet ${table} ${name}`]),
    ...chain.rules.map(rule => `add rule inet ${table} ${name} ${rule} comment "${digestOf(rule)}"`),
  ].join('\n');
}

/** What goes is deleted first: an interval that comes may cover it. One change, so that none goes and none comes. */
function changeElements(
  name: string,
  present: ReadonlyMap<string, string> = new Map(),
  set: SetProgram,
): string {
  const gone = [...present].filter(([key, value]) => set.elements.get(key) !== value).map(([key]) => key);
  const come = [...set.elements].filter(([key, value]) => present.get(key) !== value);
  const elements = come.map(([key, value]) => (value === '' ? key : `${key} : ${value}`));
  return [
    ...(gone.length === 0 ? [] : [`delete element inet ${table} ${name} { ${gone.join(', ')} }`]),
    ...(elements.length === 0 ? [] : [`add element inet ${table} ${name} { ${elements.join(', ')} }`]),
  ].join('\n');
}

/** Chains lose their rules before any is deleted, since they lead to each other, and sets go last. */
function removals(actual: TableState | undefined, desired: PolicyProgram): readonly TableChange[] {
  const chains = [...(actual?.chains.keys() ?? [])].filter(name => !desired.chains.has(name));
  const sets = [...(actual?.sets.keys() ?? [])].filter(name => !desired.sets.has(name));
  const commands = [
    ...chains.map(name => `flush chain inet ${table} ${name}`),
    ...chains.map(name => `delete chain inet ${table} ${name}`),
    ...sets.map(name => `delete set inet ${table} ${name}`),
  ];
  return commands.length === 0 ? [] : [{ provenance: table, commands: commands.join('\n') }];
}

/** Sixteen hexadecimal digits: nftables prints rules in other words than they were written in. */
export const digestOf = (text: string): string =>
  nameOf(numberOf(text)) + nameOf(numberOf(`${text}\0${text}`));
