import type { Provenance } from '../base/provenance.ts';
import { FairleadError } from '../base/errors.ts';
import { digestOf, renderStructure } from '../kernel/nft/table.ts';
import type { TableProgram, TableState } from '../kernel/nft/table.ts';
import { contains, parseAddress } from '../base/ip.ts';
import type { Connection, NftElementChange } from '../kernel/netlink/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { ReadCounters } from './apply-counters.ts';
import type { GroupChange } from './claims.ts';
import { chunksOf, deltaOf, isNothing, renderDeltas } from './compile-delta.ts';
import type { GroupDelta } from './compile-delta.ts';
import type { Element, ElementGroup, Draw, SetName } from './compile-nft.ts';
import { drawName, isAffinityName, isDrawName } from './compile-nft.ts';
import { compileDraw, compileDrawMaps, elementTypes, intervalSets, serviceTable } from './compile-table.ts';
import type { SetDeclaration } from './compile-table.ts';
import { cutFlows, staleFlows } from './compile-stale.ts';
import type { ClientCut, StaleFlow } from './compile-stale.ts';

/** What this block asks of the kernel in the node's network namespace. */
export interface ServiceKernel extends Pick<KernelWorker, 'nft' | 'nftChunked' | 'nftElements'> {
  /** The table, with the elements of the sets whose types are given; undefined where there is none. */
  readonly nftTable: (
    name: string,
    types: ReturnType<typeof elementTypes>,
  ) => Promise<TableState | undefined>;
  /** Counters of single elements. */
  readonly nftCounters: ReadCounters;
  /** Ends tracked connections that one of the filters describes. */
  readonly forgetConnections: (flows: readonly StaleFlow[]) => Promise<number>;
  /** Tracked connections that one of the filters describes. */
  readonly connections: (
    filters: readonly Pick<ClientCut, 'protocol' | 'original'>[],
  ) => Promise<readonly Connection[]>;
  readonly deleteConnections: (connections: readonly Connection[]) => Promise<number>;
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
  /** By group; undefined while it is not known what the kernel has. */
  #inForce: Map<string, Pick<ElementGroup, 'elements'>> | undefined;
  /** Names of the chains that draw endpoints, and of their maps. */
  #draws: ReadonlySet<string> = new Set();
  /** Flows that are still to be forgotten. */
  #stale: StaleFlow[] = [];
  #cut: ClientCut[] = [];

  constructor(kernel: ServiceKernel) {
    this.#kernel = kernel;
  }

  /** Reads the table and brings the difference into it. What is right is not touched: counters and connections stay. */
  async adopt(program: Iterable<readonly [string, ElementGroup]>): Promise<Adoption> {
    this.#inForce = undefined;
    const groups: Map<string, ElementGroup> = new Map(program);
    const draws = drawsOf([usual, ...groups.values()]);
    const wanted = {
      name: serviceTable.name,
      sets: [...serviceTable.sets, ...mapsOf(draws.values())],
      chains: [...serviceTable.chains, ...[...draws.values()].map(compileDraw)],
    };
    const found = await this.#read();
    const structure = renderStructure(found, wanted);
    const fresh = structure === undefined;
    const state = fresh ? undefined : found;
    const fixed = fresh
      ? `${found === undefined ? '' : `delete table inet ${wanted.name}\n`}${renderStructure(undefined, wanted) ?? ''}`
      : structure;
    const deltas = {
      [Symbol.iterator]: () => compare(state, groups),
    };
    // A table that is there, and cannot be made right, is replaced by a whole one in one step.
    const { refused, corrections, stale, cut } =
      fresh && found !== undefined ? await this.#replace(fixed, deltas) : await this.#write(fixed, deltas);
    this.#draws = namesOf(draws);
    const inForce: Map<string, Pick<ElementGroup, 'elements'>> = groups;
    for (const { delta } of refused) inForce.set(delta.key, { elements: presentOf(delta) });
    this.#inForce = inForce;
    // What nothing leads to any more; an element that stayed against our will may still do.
    const unused = refused.length > 0 || state === undefined ? '' : renderRemoval(state, wanted);
    if (unused !== '') await this.#kernel.nft(unused);
    this.#stale.push(...stale);
    this.#cut.push(...cut);
    await this.#forget([]);
    return {
      corrections: linesIn(fixed) + corrections,
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
      .map(({ key, group }) => deltaOf(key, inForce.get(key)?.elements ?? [], group))
      .filter(delta => !isNothing(delta));
    if (deltas.length === 0) return this.#forget([]);
    const draws = drawsOf(changes.flatMap(({ group }) => group ?? []));
    const missing = [...draws].filter(([name]) => !this.#draws.has(name));
    this.#inForce = undefined;
    const structure = structureOf(
      missing.map(([, draw]) => draw),
      this.#draws,
    );
    // Nothing leads to a new chain before the elements do.
    if (structure !== '') await this.#kernel.nft(structure);
    await this.#kernel.nftElements(elementChanges(deltas));
    this.#draws = new Set([...this.#draws, ...namesOf(draws)]);
    for (const { key, group } of deltas) {
      if (group === undefined) inForce.delete(key);
      else inForce.set(key, group);
    }
    this.#inForce = inForce;
    await this.#forget(deltas);
  }

  /** Rules first: a flow that is forgotten before would be made again to the same place. */
  async #forget(deltas: readonly GroupDelta[]): Promise<void> {
    this.#stale.push(...staleFlows(deltas));
    this.#cut.push(...cutFlows(deltas));
    if (this.#stale.length > 0) await this.#kernel.forgetConnections(this.#stale);
    this.#stale = [];
    if (this.#cut.length > 0) await this.#cutClients(this.#cut);
    this.#cut = [];
  }

  async #cutClients(cuts: readonly ClientCut[]): Promise<void> {
    const found = await this.#kernel.connections(
      cuts.map(({ original, protocol }) => ({ original, protocol })),
    );
    const isCut = ({ original }: Connection) => {
      const source = parseAddress(original.source);
      const cut = cuts.find(
        one =>
          one.original.destination === original.destination &&
          one.original.destinationPort === original.destinationPort,
      );
      return cut !== undefined && source !== undefined && !cut.allowed.some(range => contains(range, source));
    };
    await this.#kernel.deleteConnections(found.filter(isCut));
  }

  /** All in one transaction; what the kernel refuses is found by writing bit by bit. */
  async #replace(fixed: string, deltas: Iterable<GroupDelta>): Promise<Written> {
    const all = [...deltas];
    try {
      await this.#kernel.nft(`${fixed}${renderDeltas(all)}`);
      return { refused: [], corrections: correctionsIn(all), stale: staleFlows(all), cut: cutFlows(all) };
    } catch (error) {
      if (!isRefusal(error) || all.length === 0) throw error;
    }
    return this.#write(fixed, all);
  }

  /** A transaction for some thousand elements; where one is refused, smaller ones until only what is at fault is left out. */
  async #write(fixed: string, deltas: Iterable<GroupDelta>): Promise<Written> {
    if (fixed !== '') await this.#kernel.nft(fixed);
    const refused: RefusedDelta[] = [];
    const stale: StaleFlow[] = [];
    const cut: ClientCut[] = [];
    let corrections = 0;
    for (const chunk of chunksOf(deltas)) {
      const here = await this.#writeChunk(chunk);
      const isRefused = new Set(here.map(({ delta }) => delta));
      const written = chunk.filter(delta => !isRefused.has(delta));
      refused.push(...here);
      corrections += correctionsIn(written);
      stale.push(...staleFlows(written));
      cut.push(...cutFlows(written));
    }
    return { refused, corrections, stale, cut };
  }

  async #writeChunk(chunk: readonly GroupDelta[]): Promise<readonly RefusedDelta[]> {
    try {
      await this.#kernel.nftElements(elementChanges(chunk));
      return [];
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    const { refused } = await this.#kernel.nftChunked(
      chunk.map(delta => ({ commands: renderDeltas([delta]), provenance: delta })),
    );
    return refused.map(({ provenance: delta, error: { message } }) => ({ delta, sentence: message }));
  }

  #read(): Promise<TableState | undefined> {
    return this.#kernel.nftTable(serviceTable.name, elementTypes());
  }
}

interface Written {
  readonly refused: readonly RefusedDelta[];
  readonly corrections: number;
  /** Flows that what was written has overtaken. */
  readonly stale: readonly StaleFlow[];
  readonly cut: readonly ClientCut[];
}

const correctionsIn = (deltas: readonly GroupDelta[]): number =>
  deltas.reduce((sum, { add, remove }) => sum + Math.max(add.length, remove.length), 0);

interface RefusedDelta {
  readonly delta: GroupDelta;
  readonly sentence: string;
}

/** Whether nftables understood and said no: nothing of the transaction is in force. */
export const isRefusal = (error: unknown): error is FairleadError =>
  error instanceof FairleadError && refusals.has(error.code);

const refusals: ReadonlySet<string> = new Set(['kernel/nft', 'kernel/netlink', 'kernel/nft-element']);

const typesOfElements = elementTypes();

/** As the worker takes them: those of one set together. */
function elementChanges(deltas: readonly GroupDelta[]): readonly NftElementChange[] {
  const changes = new Map<SetName, { remove: string[]; add: [string, string][] }>();
  const of = (set: SetName) => {
    const change = changes.get(set) ?? { remove: [], add: [] };
    changes.set(set, change);
    return change;
  };
  for (const { add, remove } of deltas) {
    for (const { set, key } of remove) of(set).remove.push(key);
    for (const { set, key, value } of add) of(set).add.push([key, value]);
  }
  return [...changes].map(([set, change]): NftElementChange => {
    const { key: type = '', value } = typesOfElements.get(set) ?? {};
    const valueType = value === undefined || value === 'verdict' ? {} : { valueType: value };
    return {
      table: serviceTable.name,
      set,
      type,
      ...valueType,
      isInterval: intervalSets.has(set),
      ...change,
    };
  });
}

/** Differences by group; elements that no group asks for come first, without one. */
function* compare(
  state: TableState | undefined,
  groups: ReadonlyMap<string, ElementGroup>,
): Generator<GroupDelta> {
  if (state === undefined) {
    for (const [key, group] of groups) yield deltaOf(key, [], group);
    return;
  }
  const left = new Map([...state.sets].map(([name, { elements }]) => [name, new Map(elements)]));
  const deltas: GroupDelta[] = [];
  for (const [key, group] of groups) {
    const { elements } = group;
    const before = elements.flatMap((element): Element[] => {
      const value = left.get(element.set)?.get(element.key);
      if (value === undefined) return [];
      left.get(element.set)?.delete(element.key);
      return [{ ...element, value }];
    });
    const delta = deltaOf(key, before, group);
    if (!isNothing(delta)) deltas.push(delta);
  }
  const ours = new Set<string>(serviceTable.sets.map(set => set.name));
  const stray = [...left].flatMap(([set, elements]) =>
    ours.has(set) ? [...elements].map(([key, value]) => ({ set: set as SetName, key, value })) : [],
  );
  if (stray.length > 0) yield deltaOf('', stray, undefined);
  yield* deltas;
}

/** What the kernel has of a group whose change it refused. */
function presentOf({ group, add, remove }: GroupDelta): readonly Element[] {
  const added = new Set(add);
  return [...(group?.elements ?? []).filter(element => !added.has(element)), ...remove];
}

function namesOf(draws: ReadonlyMap<string, Draw>): ReadonlySet<string> {
  return new Set([...draws.keys(), ...mapsOf(draws.values()).map(({ name }) => name)]);
}

/**
 * Chains of the usual numbers of endpoints are always there: for a new chain the kernel looks through the whole table, for
 * the changes that follow only at what they name.
 */
const usual: Pick<ElementGroup, 'draws'> = {
  draws: Array.from({ length: 10 }, (_, index) => ({ kind: 'pick', choices: index + 1 })),
};

/** By name, a chain that another one leads to before it. */
function drawsOf(groups: Iterable<Pick<ElementGroup, 'draws'>>): ReadonlyMap<string, Draw> {
  const draws = [...groups].flatMap(group => group.draws);
  return new Map(draws.map(draw => [drawName(draw), draw]));
}

/** The chains of draws that have none yet, and their maps. */
function structureOf(draws: readonly Draw[], present: ReadonlySet<string>): string {
  const maps = mapsOf(draws);
  const chains = draws.map(compileDraw);
  // A port whose number of endpoints changes gets another chain; its map goes on.
  const sets = new Map(
    maps
      .filter(({ name }) => present.has(name))
      .map(({ name, declaration }) => [name, { digest: digestOf(declaration), elements: new Map() }]),
  );
  return renderStructure({ sets, chains: new Map() }, { name: serviceTable.name, sets: maps, chains }) ?? '';
}

/** Each once: several draws may share one. */
function mapsOf(draws: Iterable<Draw>): readonly SetDeclaration[] {
  return [...new Map([...draws].flatMap(compileDrawMaps).map(map => [map.name, map])).values()];
}

/** Chains first: they lead to others of them, and to maps. What is not named as ours are is somebody else's. */
function renderRemoval(found: TableState, wanted: TableProgram): string {
  const chains = new Set(wanted.chains.map(({ name }) => name));
  const maps = new Set(wanted.sets.map(({ name }) => name));
  const unusedChains = [...found.chains.keys()].filter(name => isDrawName(name) && !chains.has(name));
  const unusedMaps = [...found.sets.keys()].filter(name => isAffinityName(name) && !maps.has(name));
  return [
    ...unusedChains.map(name => `flush chain inet ${wanted.name} ${name}\n`),
    ...unusedChains.map(name => `delete chain inet ${wanted.name} ${name}\n`),
    ...unusedMaps.map(name => `delete map inet ${wanted.name} ${name}\n`),
  ].join('');
}

const linesIn = (text: string): number => text.split('\n').length - 1;
