import type { Prefix } from '../base/ip.ts';
import { compileAnswer } from './compile-answer.ts';
import type { CompiledAnswer } from './compile-answer.ts';
import { compileService, namespaceNames } from './compile-names.ts';
import { NameTree } from './compile-tree.ts';
import { apexNames, compileApex, compileZones } from './compile-zone.ts';
import type { Zone } from './compile-zone.ts';
import { decide } from './decide.ts';
import type { Decision, Knowledge } from './decide.ts';
import { serviceKey } from './model.ts';
import type { ServiceNames, SliceNames } from './model.ts';
import { types } from './wire/index.ts';
import type { NameKey } from './wire/index.ts';

export interface ClusterNamesOptions {
  readonly clusterDomain: string;
  readonly dnsAddresses: readonly string[];
  /** Of pods and Services: nobody else answers for their reverse names. */
  readonly prefixes: readonly Prefix[];
  /** Of the SOA records, the same for the life of a process: answers are only good here. */
  readonly serial: number;
}

/** Everything that the names are made from, as plain data. */
export interface NamesInput {
  readonly namespaces: readonly string[];
  readonly services: readonly ServiceNames[];
  readonly slices: readonly SliceNames[];
}

const cachedTypes: ReadonlySet<number> = new Set([
  types.A,
  types.AAAA,
  types.PTR,
  types.SRV,
  types.CNAME,
  types.NS,
  types.TXT,
  types.SOA,
]);

/**
 * The names of a cluster, kept by one object's change at a time.
 *
 *   Service ─────┐
 *   its slices ──┴─▶ compileService ─▶ NameTree ─▶ decide ─▶ compileAnswer, kept at the name
 *   Namespace ───────────────────────────┘
 */
export class ClusterNames implements Knowledge {
  readonly tree = new NameTree();
  readonly zones: readonly Zone[];
  isComplete = false;
  readonly #options: ClusterNamesOptions;
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ServiceNames>();
  readonly #slices = new Map<string, Map<string, SliceNames>>();
  /** NXDOMAIN by zone and length of the question's name: all else of it is the same. */
  readonly #noName = new Map<Zone, (CompiledAnswer | undefined)[]>();

  constructor(options: ClusterNamesOptions) {
    this.#options = options;
    const { clusterDomain, dnsAddresses, prefixes } = options;
    this.zones = compileZones(clusterDomain, prefixes);
    this.tree.replace('zone', compileApex(this.zones, clusterDomain, dnsAddresses), apexNames(clusterDomain));
  }

  putNamespace(name: string): void {
    this.#namespaces.add(name);
    this.tree.replace(`Namespace/${name}`, [], namespaceNames(name, this.#options.clusterDomain));
  }

  removeNamespace(name: string): void {
    this.#namespaces.delete(name);
    this.tree.replace(`Namespace/${name}`, []);
  }

  /** Undefined names: the Service is gone, or has none. */
  setService(namespace: string, name: string, names: ServiceNames | undefined): void {
    const key = `${namespace}/${name}`;
    if (names === undefined) this.#services.delete(key);
    else this.#services.set(key, names);
    this.#compile(key);
  }

  putSlice(slice: SliceNames): void {
    const key = serviceKey(slice);
    const slices = this.#slices.get(key) ?? new Map<string, SliceNames>();
    this.#slices.set(key, slices.set(slice.name, slice));
    if (this.#services.get(key)?.kind === 'headless') this.#compile(key);
  }

  removeSlice(slice: SliceNames): void {
    const key = serviceKey(slice);
    const slices = this.#slices.get(key);
    slices?.delete(slice.name);
    if (slices?.size === 0) this.#slices.delete(key);
    if (this.#services.get(key)?.kind === 'headless') this.#compile(key);
  }

  /** Takes out what is not among these objects: after a time without news. */
  keepOnly(input: NamesInput): void {
    const namespaces = new Set(input.namespaces);
    for (const name of this.#namespaces) if (!namespaces.has(name)) this.removeNamespace(name);
    const slices = new Set(input.slices.map(slice => `${slice.namespace}/${slice.name}`));
    for (const slice of this.input().slices)
      if (!slices.has(`${slice.namespace}/${slice.name}`)) this.removeSlice(slice);
    const services = new Set(input.services.map(({ namespace, name }) => `${namespace}/${name}`));
    for (const { namespace, name } of this.input().services)
      if (!services.has(`${namespace}/${name}`)) this.setService(namespace, name, undefined);
  }

  putAll(input: NamesInput): void {
    for (const namespace of input.namespaces) this.putNamespace(namespace);
    for (const slice of input.slices) this.putSlice(slice);
    for (const service of input.services) this.setService(service.namespace, service.name, service);
  }

  input(): NamesInput {
    return {
      namespaces: [...this.#namespaces],
      services: [...this.#services.values()],
      slices: [...this.#slices.values()].flatMap(slices => [...slices.values()]),
    };
  }

  decide(key: NameKey, type: number): Decision {
    return decide(this, key, type);
  }

  /** The finished answer; undefined where others answer. */
  answer(key: NameKey, type: number): CompiledAnswer | undefined {
    const node = this.tree.get(key);
    const kept = node?.answers.get(type);
    if (kept !== undefined) return kept;
    const decision = this.decide(key, type);
    if (decision.outcome === 'no-name' && decision.answers.length === 0)
      return this.#noNameAnswer(decision, key);
    const answer = compileAnswer(decision, key, this.#options);
    // What an alias leads to is another name's, and changes without this one.
    const isAlias = 'answers' in decision && decision.answers.some(({ data }) => data.type === 'CNAME');
    if (answer !== undefined && !isAlias && cachedTypes.has(type)) node?.answers.set(type, answer);
    return answer;
  }

  #noNameAnswer(
    decision: Extract<Decision, { outcome: 'no-name' }>,
    key: NameKey,
  ): CompiledAnswer | undefined {
    const { zone } = decision;
    const byLength = this.#noName.get(zone) ?? [];
    this.#noName.set(zone, byLength);
    byLength[key.length] ??= compileAnswer(decision, key, this.#options);
    return byLength[key.length];
  }

  #compile(key: string): void {
    const service = this.#services.get(key);
    const slices = service?.kind === 'headless' ? [...(this.#slices.get(key)?.values() ?? [])] : [];
    const records = service === undefined ? [] : compileService(service, slices, this.#options.clusterDomain);
    this.tree.replace(`Service/${key}`, records);
  }
}
