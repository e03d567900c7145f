import { digestOf } from './compile-delta.ts';
import type { TableState } from './compile-delta.ts';

/** What stands in the kernel, as plain data. */
export interface PolicyProgram {
  readonly sets: ReadonlyMap<string, SetProgram>;
  readonly chains: ReadonlyMap<string, ChainProgram>;
}

export interface SetProgram {
  readonly kind: 'set' | 'map';
  /** As nft writes it; does not change in place. */
  readonly declaration: string;
  /** Key to value, as nft prints them; a set's values are empty. */
  readonly elements: ReadonlyMap<string, string>;
}

export interface ChainProgram {
  /** `type filter hook …`; absent for one that others jump to. */
  readonly base?: string;
  readonly rules: readonly string[];
}

/** What a run of changes touched, and nothing else: as it was, and as it has to be. */
export interface ProgramChange {
  readonly before: TableState;
  readonly after: PolicyProgram;
}

interface LiveSet extends SetProgram {
  readonly elements: Map<string, string>;
}

/** A program that is changed in place and remembers what it was before. */
export class LiveProgram implements PolicyProgram {
  readonly sets = new Map<string, LiveSet>();
  readonly chains = new Map<string, ChainProgram>();
  /** Declarations of sets before the first change; undefined where there was none. */
  #setsBefore = new Map<string, string | undefined>();
  #elementsBefore = new Map<string, Map<string, string | undefined>>();
  #chainsBefore = new Map<string, ChainProgram | undefined>();

  declare(name: string, kind: SetProgram['kind'], declaration: string): void {
    if (this.sets.has(name)) return;
    this.#touchSet(name);
    this.sets.set(name, { kind, declaration, elements: new Map() });
  }

  /** Undefined takes the element away. The set has to be declared. */
  setElement(set: string, key: string, value: string | undefined): void {
    const elements = this.sets.get(set)?.elements;
    const present = elements?.get(key);
    if (elements === undefined || present === value) return;
    this.#touchSet(set);
    const before = this.#elementsBefore.get(set) ?? new Map<string, string | undefined>();
    this.#elementsBefore.set(set, before);
    if (!before.has(key)) before.set(key, present);
    if (value === undefined) elements.delete(key);
    else elements.set(key, value);
  }

  removeSet(name: string): void {
    for (const key of this.sets.get(name)?.elements.keys() ?? []) this.setElement(name, key, undefined);
    if (!this.sets.has(name)) return;
    this.#touchSet(name);
    this.sets.delete(name);
  }

  /** Undefined takes the chain away. */
  setChain(name: string, chain: ChainProgram | undefined): void {
    const present = this.chains.get(name);
    if (present === chain || (chain !== undefined && present?.rules.join('\n') === chain.rules.join('\n')))
      return;
    if (!this.#chainsBefore.has(name)) this.#chainsBefore.set(name, present);
    if (chain === undefined) this.chains.delete(name);
    else this.chains.set(name, chain);
  }

  /** What changed since the last call. */
  takeChange(): ProgramChange {
    const setsBefore = new Map<string, { digest: string; elements: Map<string, string> }>();
    const setsAfter = new Map<string, SetProgram>();
    for (const [name, declaration] of this.#setsBefore) {
      const touched = this.#elementsBefore.get(name) ?? new Map<string, string | undefined>();
      if (declaration !== undefined)
        setsBefore.set(name, { digest: digestOf(declaration), elements: defined(touched) });
      const set = this.sets.get(name);
      if (set === undefined) continue;
      const now = [...touched.keys()].map(key => [key, set.elements.get(key)] as const);
      setsAfter.set(name, { ...set, elements: defined(new Map(now)) });
    }
    const chainsBefore = new Map<string, readonly string[]>();
    const chainsAfter = new Map<string, ChainProgram>();
    for (const [name, chain] of this.#chainsBefore) {
      if (chain !== undefined) chainsBefore.set(name, chain.rules.map(digestOf));
      const now = this.chains.get(name);
      if (now !== undefined) chainsAfter.set(name, now);
    }
    this.#setsBefore = new Map();
    this.#elementsBefore = new Map();
    this.#chainsBefore = new Map();
    return {
      before: { sets: setsBefore, chains: chainsBefore },
      after: { sets: setsAfter, chains: chainsAfter },
    };
  }

  #touchSet(name: string): void {
    if (!this.#setsBefore.has(name)) this.#setsBefore.set(name, this.sets.get(name)?.declaration);
  }
}

const defined = (elements: ReadonlyMap<string, string | undefined>): Map<string, string> =>
  new Map([...elements].filter((entry): entry is [string, string] => entry[1] !== undefined));
