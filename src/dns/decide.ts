import { addressData } from './compile-names.ts';
import type { NamedRecord } from './compile-names.ts';
import type { NameTree } from './compile-tree.ts';
import type { Zone } from './compile-zone.ts';
import { undash } from './model.ts';
import { isWithin, keyOfName, parentKey, textOfName, types } from './wire/index.ts';
import type { NameKey, RecordType } from './wire/index.ts';

/** What is known: the tree, the zones that it is complete for, and whether it is complete yet. */
export interface Knowledge {
  readonly tree: NameTree;
  /** The cluster's domain first. */
  readonly zones: readonly Zone[];
  /** Every object has been seen at least once: what is not there does not exist. */
  readonly isComplete: boolean;
}

/** What is answered to a question of class IN, and why: every record carries the object and the field that made it. */
export type Decision =
  | {
      readonly outcome: 'answer';
      readonly answers: readonly NamedRecord[];
      readonly additional: readonly NamedRecord[];
      /** The SOA of this zone is an answer. */
      readonly soa?: Zone;
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
  if (type === types.AXFR || type === types.IXFR) return { outcome: 'refused', reason: 'zone-transfer' };
  return resolve(knowledge, key, type, []);
}

function resolve(
  knowledge: Knowledge,
  key: NameKey,
  type: number,
  aliases: readonly NamedRecord[],
): Decision {
  const { tree } = knowledge;
  const zone = knowledge.zones.find(candidate => isWithin(key, candidate.key));
  const records = tree.get(key)?.records ?? podRecords(knowledge, key);
  if (records === undefined) return missing(knowledge, key, zone, aliases);
  if (zone !== undefined && key === zone.key && type === types.SOA)
    return { outcome: 'answer', answers: aliases, additional: [], soa: zone };
  const wanted = typeNames.get(type);
  const found = unique(records.filter(record => record.data.type === wanted));
  if (found.length > 0)
    return { outcome: 'answer', answers: [...aliases, ...found], additional: additionalOf(tree, found) };
  const alias = records.find(record => record.data.type === 'CNAME');
  if (alias?.data.type === 'CNAME') return follow(knowledge, alias, alias.data.target, type, aliases);
  if (zone !== undefined) return { outcome: 'no-data', zone, answers: aliases };
  return elsewhere(aliases);
}

function missing(
  knowledge: Knowledge,
  key: NameKey,
  zone: Zone | undefined,
  aliases: readonly NamedRecord[],
): Decision {
  if (zone === undefined) return elsewhere(aliases);
  if (!knowledge.isComplete) return { outcome: 'not-yet' };
  return { outcome: 'no-name', zone, answers: aliases, closest: knowledge.tree.closest(key) };
}

/** An alias is an answer of its own where its target is others' to answer. */
function elsewhere(aliases: readonly NamedRecord[]): Decision {
  return aliases.length > 0
    ? { outcome: 'answer', answers: aliases, additional: [] }
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

/** Addresses of SRV's and NS's targets, where we have them (RFC 2782). */
function additionalOf(tree: NameTree, records: readonly NamedRecord[]): readonly NamedRecord[] {
  const targets = new Set(
    records.flatMap(({ data }) => (data.type === 'SRV' || data.type === 'NS' ? [data.target] : [])),
  );
  return [...targets].flatMap(target =>
    unique(
      (tree.get(keyOfName(target))?.records ?? []).filter(
        ({ data }) => data.type === 'A' || data.type === 'AAAA',
      ),
    ),
  );
}

/** `10-244-1-7.default.pod.cluster.local` says its address itself, for any address, in namespaces that there are. */
function podRecords(knowledge: Knowledge, key: NameKey): readonly NamedRecord[] | undefined {
  const cluster = knowledge.zones[0];
  if (cluster === undefined || !key.endsWith(`\x03pod${cluster.key}`)) return undefined;
  const namespace = parentKey(key);
  if (parentKey(namespace) !== `\x03pod${cluster.key}`) return undefined;
  if (knowledge.tree.get(namespace) === undefined) return undefined;
  const address = undash(key.slice(1, 1 + key.charCodeAt(0)));
  if (address === undefined) return undefined;
  const from = { object: `Namespace/${textOfName(namespace).split('.')[0] ?? ''}`, field: 'metadata.name' };
  return [{ name: textOfName(key), data: addressData(address), from }];
}

/** Two objects may say the same of a name: it is said once. */
function unique(records: readonly NamedRecord[]): readonly NamedRecord[] {
  if (records.length < 2) return records;
  const seen = new Map<string, NamedRecord>();
  for (const record of records) {
    const text = JSON.stringify(record.data, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    if (!seen.has(text)) seen.set(text, record);
  }
  return [...seen.values()];
}
