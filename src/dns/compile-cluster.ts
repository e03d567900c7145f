import type { Prefix } from '../base/ip.ts';
import { compileAnswer } from './compile-answer.ts';
import type { CompiledAnswer } from './compile-answer.ts';
import { EndpointIndex } from './compile-endpoints.ts';
import { compileService, namespaceNames, serviceName } from './compile-names.ts';
import type { NamedRecord } from './compile-names.ts';
import { NameTree } from './compile-tree.ts';
import { apexNames, compileApex, compileZones } from './compile-zone.ts';
import type { Zone } from './compile-zone.ts';
import { decide } from './decide.ts';
import { derivedRecords } from './decide-derived.ts';
import type { Decision, Knowledge, PlacedEndpoint } from './decide.ts';
import { serviceKey } from './model.ts';
import type { ServiceNames, SliceNames } from './model.ts';
import { defaultRules } from './model-rules.ts';
import type { NameRules } from './model-rules.ts';
import { isWithin, keyOfName, types } from './wire/index.ts';
import type { NameKey } from './wire/index.ts';

export interface ClusterNamesOptions {
  readonly clusterDomain: string;
  readonly dnsAddresses: readonly string[];
  /** Of pods and Services: nobody else answers for their reverse names. */
  readonly prefixes: readonly Prefix[];
  /** Of the SOA records, the same for the life of a process: answers are only good here. */
  readonly serial: number;
  readonly rules?: NameRules;
}

/** Everything that the names are made from, as plain data. */
export interface NamesInput {
  readonly namespaces: readonly string[];
  readonly services: readonly ServiceNames[];
  readonly slices: readonly SliceNames[];
}

/** Not PTR: endpoints of many Services come and go behind a reverse name, and few ask for it. */
const cachedTypes: ReadonlySet<number> = new Set([
  types.A,
  types.AAAA,
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
 *   its slices ──┴─▶ compileService ─▶ NameTree ─┬─▶ decide ─▶ compileAnswer, kept at the name
 *   Namespace ───────────────────────────┘       │
 *   pods, endpoints ─────────────▶ derivedRecords ┘
 */
export class ClusterNames implements Knowledge {
  readonly tree = new NameTree();
  readonly zones: readonly Zone[];
  readonly rules: NameRules;
  readonly clusterDomain: string;
  readonly servicesKey: NameKey;
  readonly podsKey: NameKey;
  readonly openZones: readonly NameKey[];
  #isComplete = false;
  #arePodsComplete = false;
  #version = 0;
  readonly #options: ClusterNamesOptions;
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ServiceNames>();
  readonly #endpoints = new EndpointIndex();
  /** Names of pods by namespace and address; kept where the rules verify them. */
  readonly #pods = new Map<string, string>();
  /** NXDOMAIN by zone and length of the question's name: all else of it is the same. */
  readonly #noName = new Map<Zone, (CompiledAnswer | undefined)[]>();

  constructor(options: ClusterNamesOptions) {
    this.#options = options;
    const { clusterDomain, dnsAddresses, prefixes, rules = defaultRules } = options;
    this.rules = rules;
    this.clusterDomain = clusterDomain;
    this.servicesKey = keyOfName(`svc.${clusterDomain}`);
    this.podsKey = keyOfName(`pod.${clusterDomain}`);
    this.openZones = rules.fallthrough.map(keyOfName);
    this.zones = compileZones(clusterDomain, prefixes);
    const apex = compileApex(this.zones, clusterDomain, dnsAddresses);
    this.tree.replace('zone', apex, apexNames(clusterDomain));
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  set isComplete(isIt: boolean) {
    this.#isComplete = isIt;
    this.#version++;
  }

  get arePodsComplete(): boolean {
    return this.#arePodsComplete;
  }

  set arePodsComplete(areThey: boolean) {
    this.#arePodsComplete = areThey;
    this.#version++;
  }

  /** Another number after each change of what is known. */
  get version(): number {
    return this.#version;
  }

  putNamespace(name: string): void {
    this.#version++;
    if (!this.#isExposed(name)) return;
    this.#namespaces.add(name);
    this.tree.replace(`Namespace/${name}`, [], namespaceNames(name, this.clusterDomain, this.rules));
  }

  removeNamespace(name: string): void {
    this.#version++;
    this.#namespaces.delete(name);
    this.tree.replace(`Namespace/${name}`, []);
  }

  /** Undefined names: the Service is gone, or has none. */
  setService(namespace: string, name: string, names: ServiceNames | undefined): void {
    this.#version++;
    const key = `${namespace}/${name}`;
    if (names === undefined || !this.#isExposed(namespace)) this.#services.delete(key);
    else this.#services.set(key, names);
    this.#compile(key);
  }

  putSlice(slice: SliceNames): void {
    this.#version++;
    if (!this.rules.endpoints || !this.#isExposed(slice.namespace)) return;
    this.#endpoints.put(slice);
    this.#compileWithSlices(serviceKey(slice));
  }

  removeSlice(slice: SliceNames): void {
    this.#version++;
    this.#endpoints.remove(slice);
    this.#compileWithSlices(serviceKey(slice));
  }

  setPod(namespace: string, name: string, addresses: readonly string[], before: readonly string[]): void {
    this.#version++;
    for (const address of before)
      if (this.#pods.get(`${namespace}/${address}`) === name) this.#pods.delete(`${namespace}/${address}`);
    for (const address of addresses) this.#pods.set(`${namespace}/${address}`, name);
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
      slices: this.#endpoints.all(),
    };
  }

  service(namespace: string, name: string): ServiceNames | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  endpoints({ namespace, name, kind }: ServiceNames, label?: string): readonly PlacedEndpoint[] {
    if (kind === 'cluster' && !this.rules.clusterEndpoints) return [];
    const key = `${namespace}/${name}`;
    return label === undefined ? this.#endpoints.endpoints(key) : this.#endpoints.withLabel(key, label);
  }

  endpointsAt(address: string): readonly PlacedEndpoint[] {
    if (!this.rules.clusterEndpoints) return [];
    return this.#endpoints
      .at(address)
      .filter(({ slice }) => this.#services.get(serviceKey(slice))?.kind === 'cluster');
  }

  podAt(namespace: string, address: string): string | undefined {
    return this.#pods.get(`${namespace}/${address}`);
  }

  recordsAt(name: string): readonly NamedRecord[] {
    return this.tree.get(keyOfName(name))?.records ?? [];
  }

  /** The kind of Service that a slice belongs to: what programming it is counted under. */
  kindOf(slice: { readonly namespace: string; readonly service: string }): ServiceNames['kind'] | undefined {
    return this.#services.get(serviceKey(slice))?.kind;
  }

  decide(key: NameKey, type: number): Decision {
    return decide(this, key, type);
  }

  /** The finished answer; undefined where others answer. */
  answer(key: NameKey, type: number): CompiledAnswer | undefined {
    const node = this.tree.get(key);
    const kept = node?.answers.get(type);
    if (kept !== undefined) return kept;
    if (node === undefined && this.isComplete) {
      const absent = this.#absent(key, type);
      if (absent !== undefined) return absent;
    }
    const decision = this.decide(key, type);
    if (decision.outcome === 'no-name' && decision.answers.length === 0)
      return this.#noNameAnswer(decision.zone, decision, key);
    const answer = compileAnswer(decision, key, this);
    // What an alias leads to is another name's, and changes without this one.
    const isAlias = 'answers' in decision && decision.answers.some(({ data }) => data.type === 'CNAME');
    if (answer !== undefined && !isAlias && cachedTypes.has(type)) node?.answers.set(type, answer);
    return answer;
  }

  get serial(): number {
    return this.#options.serial;
  }

  /** The short way to most NXDOMAIN: what `decide` says of a name that nothing makes. */
  #absent(key: NameKey, type: number): CompiledAnswer | undefined {
    const zone = this.zones.find(each => isWithin(key, each.key));
    if (zone === undefined || this.openZones.length > 0 || type >= types.IXFR) return undefined;
    if (this.rules.pods === 'verified' || derivedRecords(this, key, type) !== undefined) return undefined;
    return this.#noName.get(zone)?.[key.length];
  }

  #noNameAnswer(zone: Zone, decision: Decision, key: NameKey): CompiledAnswer | undefined {
    const byLength = this.#noName.get(zone) ?? [];
    this.#noName.set(zone, byLength);
    byLength[key.length] ??= compileAnswer(decision, key, this);
    return byLength[key.length];
  }

  #compileWithSlices(key: string): void {
    const service = this.#services.get(key);
    if (service?.kind === 'headless') this.#compile(key);
    if (service?.kind !== 'cluster' || !this.rules.ignoreEmptyServices) return;
    const isThere = this.recordsAt(serviceName(service, this.clusterDomain)).length > 0;
    if (isThere !== this.#endpoints.hasEndpoints(key)) this.#compile(key);
  }

  #compile(key: string): void {
    const service = this.#services.get(key);
    const slices = service?.kind === 'headless' ? this.#endpoints.slices(key) : [];
    const isEmpty =
      this.rules.ignoreEmptyServices && service?.kind === 'cluster' && !this.#endpoints.hasEndpoints(key);
    const records = service === undefined ? [] : compileService(service, slices, this.clusterDomain);
    // Its address still is its own.
    const kept = isEmpty ? records.filter(({ data }) => data.type === 'PTR') : records;
    this.tree.replace(`Service/${key}`, kept);
  }

  #isExposed(namespace: string): boolean {
    const { namespaces } = this.rules;
    return namespaces.length === 0 || namespaces.includes(namespace);
  }
}
