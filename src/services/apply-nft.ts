import type { Provenance } from '../base/provenance.ts';
import { FairleadError } from '../base/errors.ts';
import { digestOf, renderStructure } from '../kernel/nft/table.ts';
import type { TableProgram, TableState } from '../kernel/nft/table.ts';
import type { NftElementChange } from '../kernel/netlink/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { OvertakenConnections } from './apply-connections.ts';
import type { ConnectionKernel } from './apply-connections.ts';
import type { ReadCounters } from './apply-counters.ts';
import type { GroupChange } from './claims.ts';
import { readTogether, strayIn, takeDelta, wholeOf } from './compile-comparison.ts';
import { chunksOf, deltaOf, isNothing, renderDeltas } from './compile-delta.ts';
import type { GroupDelta } from './compile-delta.ts';
import type { Element, ElementGroup, Draw, SetName } from './compile-nft.ts';
import { drawName, isAffinityName, isDrawName } from './compile-nft.ts';
import { Overtaken } from './overtaken.ts';
import { compileDraw, compileDrawMaps, elementTypes, intervalSets, serviceTable } from './compile-table.ts';
import type { SetDeclaration } from './compile-table.ts';
import { cutFlows, staleFlows } from './compile-stale.ts';
import type { ClientCut, StaleFlow } from './compile-stale.ts';

/** What this block asks of the kernel in the node's network namespace. */
export interface ServiceKernel
  extends Pick<KernelWorker, 'nft' | 'nftChunked' | 'nftElements'>, ConnectionKernel {
  /** The table, with the elements of the sets whose types are given; undefined where there is none. */
  readonly nftTable: (
    name: string,
    types: ReturnType<typeof elementTypes>,
  ) => Promise<TableState | undefined>;
  /** Counters of single elements. */
  readonly nftCounters: ReadCounters;
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
  /** Changes came in between: they were told apart from what is known, which corrections say was not all so. */
  readonly isOvertaken: boolean;
}

/**
 * The table in a kernel, with the memory of what is in it: it is read when that is not known, and changes cost what they
 * change. Not for two calls at once.
 */
export class ServiceRules {
  readonly #kernel: ServiceKernel;
  /** By group; undefined while it is not known what the kernel has. */
  #inForce: InForce | undefined;
  /** While `adopt` is under way. */
  #overtaken: Overtaken | undefined;
  /** Names of the chains that draw endpoints, and of their maps. */
  #draws: ReadonlySet<string> = new Set();
  readonly #connections: OvertakenConnections;

  constructor(kernel: ServiceKernel) {
    this.#kernel = kernel;
    this.#connections = new OvertakenConnections(kernel);
  }

  /**
   * Reads the table and brings the difference into it. What is right is not touched: counters and connections stay.
   * @param meanwhile - called again and again where `change` may be called, if that knows what it changes: nobody waits
   * for the whole table.
   */
  async adopt(
    program: Iterable<readonly [string, ElementGroup]>,
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Adoption> {
    const groups = new Map(program);
    const overtaken = new Overtaken(groups);
    this.#overtaken = overtaken;
    const before = this.#inForce;
    try {
      const pause = () => (this.#inForce === undefined ? Promise.resolve() : meanwhile());
      const adoption = await this.#adopt(groups, overtaken, pause);
      // A change that the kernel refused meanwhile leaves nothing known: the next thing is to adopt.
      if (before !== undefined && this.#inForce === undefined) return adoption;
      const inForce = adoption.inForce;
      for (const key of overtaken.groups) {
        const group = before?.get(key);
        if (group === undefined) inForce.delete(key);
        else inForce.set(key, group);
      }
      this.#inForce = inForce;
      return adoption;
    } catch (error) {
      this.#inForce = undefined;
      throw error;
    } finally {
      this.#overtaken = undefined;
    }
  }

  async #adopt(
    groups: ReadonlyMap<string, ElementGroup>,
    overtaken: Overtaken,
    pause: () => Promise<void>,
  ): Promise<Adoption & { readonly inForce: InForce }> {
    const draws = drawsOf([usual, ...groups.values()]);
    const wanted = {
      name: serviceTable.name,
      sets: [...serviceTable.sets, ...mapsOf(draws.values())],
      chains: [...serviceTable.chains, ...[...draws.values()].map(compileDraw)],
    };
    const found = await this.#kernel.nftTable(serviceTable.name, new Map());
    const structure = renderStructure(found, wanted);
    const fresh = structure === undefined;
    const fixed = fresh
      ? `${found === undefined ? '' : `delete table inet ${wanted.name}\n`}${renderStructure(undefined, wanted) ?? ''}`
      : structure;
    const written =
      fresh && found !== undefined
        ? // A table that is there, and cannot be made right, is replaced by a whole one in one step.
          await this.#replace(fixed, wholeOf(groups))
        : await this.#mend(fixed, groups, found, overtaken, pause);
    const { corrections, cut, refused, stale } = written;
    const used = new Map([...draws, ...drawsOf([{ draws: overtaken.draws }])]);
    this.#draws = namesOf(used);
    const inForce: InForce = new Map(groups);
    for (const { delta } of refused) inForce.set(delta.key, { elements: presentOf(delta) });
    // What nothing leads to any more; an element that stayed against our will, or whose change was refused, may still do.
    const isUncertain = refused.length > 0 || (!overtaken.isEmpty && this.#inForce === undefined);
    const unused =
      isUncertain || fresh || found === undefined ? '' : renderRemoval(found, wanted, this.#draws);
    if (unused !== '') await this.#kernel.nft(unused);
    await this.#connections.end(stale, cut);
    return {
      corrections: linesIn(fixed) + corrections,
      refused: refused.map(({ delta, sentence }) => ({ provenance: delta.group?.provenance, sentence })),
      isOvertaken: !overtaken.isEmpty,
      inForce,
    };
  }

  /** The structure first; then elements, where others may go first between two sets, and two transactions. */
  async #mend(
    fixed: string,
    groups: ReadonlyMap<string, ElementGroup>,
    found: TableState | undefined,
    overtaken: Overtaken,
    pause: () => Promise<void>,
  ): Promise<Written> {
    if (fixed !== '') await this.#kernel.nft(fixed);
    if (found === undefined) return this.#write(wholeOf(groups), overtaken, pause);
    const elements = new Map<string, Map<string, string>>();
    for (const types of readTogether()) {
      await pause();
      const read = await this.#kernel.nftTable(serviceTable.name, types);
      for (const name of types.keys()) elements.set(name, new Map(read?.sets.get(name)?.elements));
    }
    const deltas: GroupDelta[] = [];
    let count = 0;
    for (const [key, group] of groups) {
      if (++count % groupsAtOnce === 0) {
        await nextTurn();
        await pause();
      }
      const delta = takeDelta(key, group, elements);
      if (!isNothing(delta)) deltas.push(delta);
    }
    const stray = deltaOf('', strayIn(elements), undefined);
    return this.#write(isNothing(stray) ? deltas : [stray, ...deltas], overtaken, pause);
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
    for (const { key, group } of changes) this.#overtaken?.note(key, inForce.get(key), group);
    const deltas = changes
      .map(({ key, group }) => deltaOf(key, inForce.get(key)?.elements ?? [], group))
      .filter(delta => !isNothing(delta));
    if (deltas.length === 0) return this.#connections.end([], []);
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
    await this.#connections.end(staleFlows(deltas), cutFlows(deltas));
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
    await this.#kernel.nft(fixed);
    return this.#write(all);
  }

  /** A transaction for some thousand elements; where one is refused, smaller ones until only what is at fault is left out. */
  async #write(
    deltas: Iterable<GroupDelta>,
    overtaken = new Overtaken(),
    pause = () => Promise.resolve(),
  ): Promise<Written> {
    const refused: RefusedDelta[] = [];
    const stale: StaleFlow[] = [];
    const cut: ClientCut[] = [];
    let corrections = 0;
    for (const all of chunksOf(deltas)) {
      await pause();
      const chunk = overtaken.without(all);
      if (chunk.length === 0) continue;
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

/** What the kernel has, by group. */
type InForce = Map<string, Pick<ElementGroup, 'elements'>>;

/** Compared in one go: some milliseconds. */
const groupsAtOnce = 500;
const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

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
function renderRemoval(found: TableState, wanted: TableProgram, used: ReadonlySet<string>): string {
  const chains = new Set([...wanted.chains.map(({ name }) => name), ...used]);
  const maps = new Set([...wanted.sets.map(({ name }) => name), ...used]);
  const unusedChains = [...found.chains.keys()].filter(name => isDrawName(name) && !chains.has(name));
  const unusedMaps = [...found.sets.keys()].filter(name => isAffinityName(name) && !maps.has(name));
  return [
    ...unusedChains.map(name => `flush chain inet ${wanted.name} ${name}\n`),
    ...unusedChains.map(name => `delete chain inet ${wanted.name} ${name}\n`),
    ...unusedMaps.map(name => `delete map inet ${wanted.name} ${name}\n`),
  ].join('');
}

const linesIn = (text: string): number => text.split('\n').length - 1;
