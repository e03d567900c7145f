import { bigNumbersAsText } from '../base/big-numbers.ts';
import type { NamedRecord } from './compile-names.ts';
import type { NameTree } from './compile-tree.ts';
import type { Zone } from './compile-zone.ts';
import { derivedRecords } from './decide-derived.ts';
import type { EndpointNames, ServiceNames, SliceNames } from './model.ts';
import type { NameRules } from './model-rules.ts';
import { isWithin, keyOfName, types } from './wire/index.ts';
import type { NameKey, RecordType } from './wire/index.ts';

/** What is known: the tree, the zones that it is complete for, whether it is complete yet, and the objects behind it. */
export interface Knowledge {
  readonly tree: NameTree;
  /** The cluster's domain first. */
  readonly zones: readonly Zone[];
  /** Every object has been seen at least once: what is not there does not exist. */
  readonly isComplete: boolean;
  /** The same of pods, which a last state does not have. */
  readonly arePodsComplete: boolean;
  readonly rules: NameRules;
  readonly clusterDomain: string;
  /** Of `svc` and `pod` below the cluster's domain. */
  readonly servicesKey: NameKey;
  readonly podsKey: NameKey;
  /** Zones in which a name that does not exist is others' to answer. */
  readonly openZones: readonly NameKey[];
  service(namespace: string, name: string): ServiceNames | undefined;
  /** The ready ones; with this label alone where one is given. */
  endpoints(service: ServiceNames, label?: string): readonly PlacedEndpoint[];
  /** Endpoints of Services with an address of their own, by their address. */
  endpointsAt(address: string): readonly PlacedEndpoint[];
  /** The name of the namespace's pod with this address. */
  podAt(namespace: string, address: string): string | undefined;
  recordsAt(name: string): readonly NamedRecord[];
}

export interface PlacedEndpoint {
  readonly slice: SliceNames;
  readonly endpoint: EndpointNames;
}

/** What is answered to a question of class IN, and why: every record carries the object and the field that made it. */
export type Decision =
  | {
      readonly outcome: 'answer';
      readonly answers: readonly NamedRecord[];
      readonly additional: readonly NamedRecord[];
      /** The SOA of this zone is an answer. */
      readonly soa?: Zone;
      /** The last alias leads here, to a name that others answer for. */
      readonly continues?: string;
    }
  /** The name exists, with no record of this type. `answers` are the aliases that led there. */
  | { readonly outcome: 'no-data'; readonly zone: Zone; readonly answers: readonly NamedRecord[] }
  | {
      readonly outcome: 'no-name';
      readonly zone: Zone;
      readonly answers: readonly NamedRecord[];
      /** The nearest name above that does exist. */
      readonly closest: NameKey;
    }
  /** It may exist: nobody knows yet. */
  | { readonly outcome: 'not-yet' }
  /** Others answer for this name. */
  | { readonly outcome: 'elsewhere' }
  | { readonly outcome: 'refused'; readonly reason: 'zone-transfer' };

const typeNames = new Map<number, RecordType>(
  (['A', 'AAAA', 'PTR', 'CNAME', 'NS', 'TXT', 'SRV', 'SOA'] as const).map(name => [types[name], name]),
);
/** ExternalName Services may name each other, in a circle too. */
const longestChain = 8;

/** The one engine: the server's answers are made from its decisions, and people are shown them. */
export function decide(knowledge: Knowledge, key: NameKey, type: number): Decision {
  const zone = zoneOf(knowledge, key);
  if (type === types.AXFR || type === types.IXFR)
    return zone === undefined ? { outcome: 'elsewhere' } : { outcome: 'refused', reason: 'zone-transfer' };
  return resolve(knowledge, key, type, []);
}

function zoneOf(knowledge: Pick<Knowledge, 'zones'>, key: NameKey): Zone | undefined {
  return knowledge.zones.find(zone => isWithin(key, zone.key));
}

function resolve(
  knowledge: Knowledge,
  key: NameKey,
  type: number,
  aliases: readonly NamedRecord[],
): Decision {
  const zone = zoneOf(knowledge, key);
  const records = recordsOf(knowledge, key, type);
  if (records === undefined) return missing(knowledge, key, zone, aliases);
  if (zone !== undefined && key === zone.key && type === types.SOA)
    return { outcome: 'answer', answers: aliases, additional: [], soa: zone };
  const wanted = typeNames.get(type);
  const found = unique(preferred(records.filter(record => record.data.type === wanted)));
  if (found.length > 0)
    return { outcome: 'answer', answers: [...aliases, ...found], additional: additionalOf(knowledge, found) };
  const alias = records.find(record => record.data.type === 'CNAME');
  if (alias?.data.type === 'CNAME') return follow(knowledge, alias, alias.data.target, type, aliases);
  if (zone !== undefined) return { outcome: 'no-data', zone, answers: aliases };
  return elsewhere(aliases);
}

/** Undefined: there is no such name. Without records: it exists for the sake of those below it. */
function recordsOf(knowledge: Knowledge, key: NameKey, type: number): readonly NamedRecord[] | undefined {
  const stored = knowledge.tree.get(key)?.records;
  const derived = derivedRecords(knowledge, key, type);
  if (stored === undefined || derived === undefined) return stored ?? derived;
  return [...stored, ...derived];
}

function missing(
  knowledge: Knowledge,
  key: NameKey,
  zone: Zone | undefined,
  aliases: readonly NamedRecord[],
): Decision {
  if (zone === undefined || isOpen(knowledge, key)) return elsewhere(aliases);
  const isOfPods = knowledge.rules.pods === 'verified' && isWithin(key, knowledge.podsKey);
  if (!knowledge.isComplete || (isOfPods && !knowledge.arePodsComplete)) return { outcome: 'not-yet' };
  return { outcome: 'no-name', zone, answers: aliases, closest: knowledge.tree.closest(key) };
}

const isOpen = (knowledge: Knowledge, key: NameKey): boolean =>
  knowledge.openZones.some(zone => isWithin(key, zone));

/** An alias is an answer of its own where its target is others' to answer, who are asked for the rest. */
function elsewhere(aliases: readonly NamedRecord[]): Decision {
  const last = aliases.at(-1);
  return last?.data.type === 'CNAME'
    ? { outcome: 'answer', answers: aliases, additional: [], continues: last.data.target }
    : { outcome: 'elsewhere' };
}

function follow(
  knowledge: Knowledge,
  alias: NamedRecord,
  target: string,
  type: number,
  aliases: readonly NamedRecord[],
): Decision {
  const chain = [...aliases, alias];
  const isCircle = aliases.some(earlier => earlier.name === alias.name);
  if (isCircle || chain.length > longestChain)
    return { outcome: 'answer', answers: isCircle ? aliases : chain, additional: [] };
  return resolve(knowledge, keyOfName(target), type, chain);
}

/** Addresses of the targets of SRV and NS, where we have them (RFC 2782). */
function additionalOf(knowledge: Knowledge, records: readonly NamedRecord[]): readonly NamedRecord[] {
  const targets = new Set(
    records.flatMap(({ data }) => (data.type === 'SRV' || data.type === 'NS' ? [data.target] : [])),
  );
  return [...targets].flatMap(target =>
    unique(
      (recordsOf(knowledge, keyOfName(target), types.A) ?? []).filter(
        ({ data }) => data.type === 'A' || data.type === 'AAAA',
      ),
    ),
  );
}

/** The address of a Service is named after it, also where an endpoint claims it. */
function preferred(records: readonly NamedRecord[]): readonly NamedRecord[] {
  if (records[0]?.data.type !== 'PTR') return records;
  const services = records.filter(({ from }) => from.object.startsWith('Service/'));
  return services.length === 0 ? records : services;
}

/** Two objects may say the same of a name: it is said once. */
function unique(records: readonly NamedRecord[]): readonly NamedRecord[] {
  if (records.length < 2) return records;
  const seen = new Map<string, NamedRecord>();
  for (const record of records) {
    const text = JSON.stringify(record.data, bigNumbersAsText);
    if (!seen.has(text)) seen.set(text, record);
  }
  return [...seen.values()];
}
