import type { Provenance } from '../base/provenance.ts';
import { FairleadError } from '../base/errors.ts';
import { parseTable, renderStructure } from '../kernel/nft/table.ts';
import type { TableState } from '../kernel/nft/table.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { ReadCounters } from './apply-counters.ts';
import type { GroupChange } from './claims.ts';
import { deltaOf, isNothing, renderDeltas } from './compile-delta.ts';
import type { GroupDelta } from './compile-delta.ts';
import type { Element, ElementGroup, Draw, SetName } from './compile-nft.ts';
import { drawName } from './compile-nft.ts';
import { compileDraw, serviceTable } from './compile-table.ts';
import { staleFlows } from './compile-stale.ts';
import type { StaleFlow } from './compile-stale.ts';

/** What this block asks of the kernel in the node's network namespace. */
export interface ServiceKernel extends Pick<KernelWorker, 'nft' | 'nftChunked'> {
  /** The JSON answer to a `list …` command; it may be large. */
  readonly nftList: (command: string) => Promise<unknown>;
  /** Counters of single elements. */
  readonly nftCounters: ReadCounters;
  /** Ends tracked connections that one of the filters describes. */
  readonly forgetConnections: (flows: readonly StaleFlow[]) => Promise<number>;
}

/** What the kernel did not take; the rest is in force. */
export interface Refusal {
  readonly provenance: Provenance | undefined;
  readonly sentence: string;
}

export interface Adoption {
  /** Elements, and lines of the fixed part, that were not as they have to be. */
  readonly corrections: number;
  readonly refused: readonly Refusal[];
}

/**
 * The table in a kernel, with the memory of what is in it: it is read when that is not known, and changes cost what they
 * change. Not for two calls at once.
 */
export class ServiceRules {
  readonly #kernel: ServiceKernel;
  /** Undefined while it is not known what the kernel has. */
  #inForce: Map<string, readonly Element[]> | undefined;
  /** Names of the chains that draw endpoints. */
  #draws: ReadonlySet<string> = new Set();
  /** Flows that are still to be forgotten. */
  #stale: StaleFlow[] = [];

  constructor(kernel: ServiceKernel) {
    this.#kernel = kernel;
  }

  /** Reads the table and brings the difference into it. What is right is not touched: counters and connections stay. */
  async adopt(program: Iterable<readonly [string, ElementGroup]>): Promise<Adoption> {
    this.#inForce = undefined;
    const groups = new Map(program);
    const draws = drawsOf(groups.values());
    const wanted = {
      ...serviceTable,
      chains: [...serviceTable.chains, ...[...draws.values()].map(compileDraw)],
    };
    const found = await this.#read();
    const structure = renderStructure(found, wanted);
    const fresh = structure === undefined;
    const state = fresh ? undefined : found;
    const fixed = fresh
      ? `delete table inet ${wanted.name}\n${renderStructure(undefined, wanted) ?? ''}`
      : structure;
    const deltas = compare(state, groups);
    const refused = await this.#write(fixed, deltas);
    const refusedKeys = new Set(refused.map(({ delta }) => delta));
    const isRefused = (delta: GroupDelta) => refusedKeys.has(delta);
    this.#draws = new Set(draws.keys());
    this.#inForce = new Map([...groups].map(([key, group]) => [key, group.elements]));
    for (const delta of deltas.filter(isRefused)) this.#inForce.set(delta.key, presentOf(delta));
    const changed = deltas.filter(delta => !isRefused(delta));
    // A table that has just been made follows nobody's: flows that are there were never translated.
    await this.#forget(changed);
    return {
      corrections:
        linesIn(fixed) +
        changed.reduce((sum, { add, remove }) => sum + Math.max(add.length, remove.length), 0),
      refused: refused.map(({ delta, sentence }) => ({ provenance: delta.group?.provenance, sentence })),
    };
  }

  /** Whether `change` knows what it changes. */
  get isKnown(): boolean {
    return this.#inForce !== undefined;
  }

  /**
   * One transaction without reading. After an error, `kernel/nft` where the kernel refused it, nothing is known: the
   * next thing is to adopt.
   */
  async change(changes: readonly GroupChange[]): Promise<void> {
    const inForce = this.#inForce;
    if (inForce === undefined) throw new Error('the table has not been read'); // a mistake of the caller
    const deltas = changes
      .map(({ key, group }) => deltaOf(key, inForce.get(key) ?? [], group))
      .filter(delta => !isNothing(delta));
    if (deltas.length === 0) return this.#forget([]);
    const draws = drawsOf(changes.flatMap(({ group }) => group ?? []));
    const missing = [...draws].filter(([name]) => !this.#draws.has(name));
    this.#inForce = undefined;
    await this.#kernel.nft(`${structureOf(missing.map(([, draw]) => draw))}${renderDeltas(deltas)}`);
    this.#draws = new Set([...this.#draws, ...draws.keys()]);
    for (const { key, group } of deltas) {
      if (group === undefined) inForce.delete(key);
      else inForce.set(key, group.elements);
    }
    this.#inForce = inForce;
    await this.#forget(deltas);
  }

  /** Rules first: a flow that is forgotten before would be made again to the same place. */
  async #forget(deltas: readonly GroupDelta[]): Promise<void> {
    this.#stale.push(...staleFlows(deltas));
    if (this.#stale.length === 0) return;
    await this.#kernel.forgetConnections(this.#stale);
    this.#stale = [];
  }

  /** One transaction; where it is refused, smaller ones until only what is at fault is left out. */
  async #write(
    fixed: string,
    deltas: readonly GroupDelta[],
  ): Promise<readonly { readonly delta: GroupDelta; readonly sentence: string }[]> {
    const text = `${fixed}${renderDeltas(deltas)}`;
    if (text === '') return [];
    try {
      await this.#kernel.nft(text);
      return [];
    } catch (error) {
      if (!isRefusal(error) || deltas.length === 0) throw error;
    }
    if (fixed !== '') await this.#kernel.nft(fixed);
    const { refused } = await this.#kernel.nftChunked(
      deltas.map(delta => ({ commands: renderDeltas([delta]), provenance: delta })),
    );
    return refused.map(({ provenance: delta, error }) => ({ delta, sentence: error.message }));
  }

  async #read(): Promise<TableState | undefined> {
    try {
      return parseTable(await this.#kernel.nftList(`list table inet ${serviceTable.name}`));
    } catch (error) {
      if (isRefusal(error) && error.message.includes('No such file')) return undefined;
      throw error;
    }
  }
}

/** Whether nftables understood and said no: nothing of the transaction is in force. */
export const isRefusal = (error: unknown): error is FairleadError =>
  error instanceof FairleadError && error.code === 'kernel/nft';

/** Differences by group; elements that no group asks for come first, without one. */
function compare(
  state: TableState | undefined,
  groups: ReadonlyMap<string, ElementGroup>,
): readonly GroupDelta[] {
  const left = new Map([...(state?.sets ?? [])].map(([name, { elements }]) => [name, new Map(elements)]));
  const deltas = [...groups].map(([key, group]) => {
    const before = group.elements.flatMap((element): Element[] => {
      const value = left.get(element.set)?.get(element.key);
      if (value === undefined) return [];
      left.get(element.set)?.delete(element.key);
      return [{ ...element, value }];
    });
    return deltaOf(key, before, group);
  });
  const ours = new Set<string>(serviceTable.sets.map(set => set.name));
  const stray = [...left].flatMap(([set, elements]) =>
    ours.has(set) ? [...elements].map(([key, value]) => ({ set: set as SetName, key, value })) : [],
  );
  return [deltaOf('', stray, undefined), ...deltas].filter(delta => !isNothing(delta));
}

/** What the kernel has of a group whose change it refused. */
function presentOf({ group, add, remove }: GroupDelta): readonly Element[] {
  const added = new Set(add);
  return [...(group?.elements ?? []).filter(element => !added.has(element)), ...remove];
}

/** By name, a chain that another one leads to before it. */
function drawsOf(groups: Iterable<ElementGroup>): ReadonlyMap<string, Draw> {
  const draws = [...groups].flatMap(group => group.draws);
  return new Map(draws.map(draw => [drawName(draw), draw]));
}

function structureOf(draws: readonly Draw[]): string {
  const empty: TableState = { sets: new Map(), chains: new Map() };
  return renderStructure(empty, { name: serviceTable.name, sets: [], chains: draws.map(compileDraw) }) ?? '';
}

const linesIn = (text: string): number => text.split('\n').length - 1;
