import { createHash } from 'node:crypto';
import { parseAddress, formatAddress } from '../../base/ip.ts';

/**
 * One inet table as data, compared with what the kernel has. Sets, maps and rules are recognised by a digest of their
 * text, which stands in their comment: nftables prints them in other words than they were written in.
 */
export interface TableProgram {
  readonly name: string;
  readonly sets: readonly SetProgram[];
  readonly chains: readonly ChainProgram[];
}

export interface SetProgram {
  readonly name: string;
  readonly kind: 'set' | 'map';
  /** As nft writes it: `type ipv4_addr . inet_proto : verdict ; counter ;` */
  readonly declaration: string;
}

export interface ChainProgram {
  readonly name: string;
  /** `type nat hook prerouting priority -110 ;`; absent for a chain that others jump to. */
  readonly base?: string;
  readonly rules: readonly string[];
}

/** Elements of one set or map, as nft writes them: key to value; a set's values are empty. */
export type Elements = ReadonlyMap<string, string>;

export interface TableState {
  /** By name; the digest of the declaration, and the elements. */
  readonly sets: ReadonlyMap<string, { readonly digest: string; readonly elements: Elements }>;
  /** By name; the digests of the rules in their order. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/** What a rule's or a set's comment says: nftables takes 128 characters, rules are longer. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/**
 * Commands that give the table its sets and chains; empty when it has them. Elements and other chains are left as they
 * are. A set that is declared otherwise cannot be changed in place: then the answer is undefined, and the table has
 * to be deleted first.
 */
export function renderStructure(actual: TableState | undefined, desired: TableProgram): string | undefined {
  const { name: table } = desired;
  const lines: string[] = actual === undefined ? [`add table inet ${table}`] : [];
  for (const set of desired.sets) {
    const digest = digestOf(set.declaration);
    const present = actual?.sets.get(set.name);
    if (present?.digest === digest) continue;
    if (present !== undefined) return undefined;
    lines.push(`add ${set.kind} inet ${table} ${set.name} { ${set.declaration} comment "${digest}" ; }`);
  }
  for (const chain of desired.chains) lines.push(...chainLines(table, chain, actual?.chains.get(chain.name)));
  return lines.map(line => `${line}\n`).join('');
}

function chainLines(
  table: string,
  chain: ChainProgram,
  present: readonly string[] | undefined,
): readonly string[] {
  const digests = chain.rules.map(digestOf);
  if (present !== undefined && present.join() === digests.join()) return [];
  const base = chain.base === undefined ? '' : ` { ${chain.base} }`;
  return [
    `add chain inet ${table} ${chain.name}${present === undefined ? base : ''}`,
    `flush chain inet ${table} ${chain.name}`,
    ...chain.rules.map(rule => `add rule inet ${table} ${chain.name} ${rule} comment "${digestOf(rule)}"`),
  ];
}

/**
 * What the chains and rules of a table do, in the kernel's own words and whatever their comments claim: equal as long as
 * nobody changes one. Elements, counters and handles do not matter. `listing` is the answer to `list table`.
 */
export function fingerprintOf(listing: unknown): string {
  const { nftables = [] } = listing as { readonly nftables?: readonly Listed[] };
  const said = nftables.filter(({ chain, rule }) => chain !== undefined || rule !== undefined);
  const unimportant: ReadonlySet<string> = new Set(['handle', 'packets', 'bytes']);
  return digestOf(JSON.stringify(said, (key, value: unknown) => (unimportant.has(key) ? undefined : value)));
}

interface ListedSet {
  readonly name: string;
  readonly comment?: string;
  readonly elem?: readonly unknown[];
}

interface Listed {
  readonly set?: ListedSet;
  readonly map?: ListedSet;
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string; readonly comment?: string };
}

/** The answer to `list table` (libnftables-json(5)). */
export function parseTable(listing: unknown): TableState {
  // The library's own format; what is missing in it is read as absent.
  const { nftables = [] } = listing as { readonly nftables?: readonly Listed[] };
  const sets = new Map<string, { digest: string; elements: Elements }>();
  const chains = new Map<string, string[]>();
  for (const { set, map, chain, rule } of nftables) {
    const listed = set ?? map;
    if (listed !== undefined) {
      const elements = new Map((listed.elem ?? []).map(parseElement));
      sets.set(listed.name, { digest: listed.comment ?? '', elements });
    }
    if (chain !== undefined && !chains.has(chain.name)) chains.set(chain.name, []);
    if (rule !== undefined)
      chains.set(rule.chain, [...(chains.get(rule.chain) ?? []), rule.comment ?? 'foreign']);
  }
  return { sets, chains };
}

/** A map's element is a pair; one with a counter is wrapped. */
function parseElement(element: unknown): readonly [string, string] {
  if (Array.isArray(element)) return [parseKey(element[0]), parseValue(element[1])];
  return [parseKey(element), ''];
}

function parseKey(key: unknown): string {
  const { elem } = key as { readonly elem?: { readonly val: unknown } };
  return parseValue(elem === undefined ? key : elem.val);
}

function parseValue(value: unknown): string {
  if (typeof value === 'string') return canonical(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const { concat, goto, jump, prefix, range } = value as {
    readonly concat?: readonly unknown[];
    readonly goto?: { readonly target: string };
    readonly jump?: { readonly target: string };
    readonly prefix?: { readonly addr: string; readonly len: number };
    readonly range?: readonly unknown[];
  };
  if (concat !== undefined) return concat.map(parseValue).join(' . ');
  if (goto !== undefined) return `goto ${goto.target}`;
  if (jump !== undefined) return `jump ${jump.target}`;
  if (prefix !== undefined) return `${canonical(prefix.addr)}/${prefix.len}`;
  return range === undefined ? JSON.stringify(value) : range.map(parseValue).join('-');
}

/** C libraries and RFC 5952 write a few IPv6 addresses differently. */
function canonical(text: string): string {
  const address = text.includes(':') ? parseAddress(text) : undefined;
  return address === undefined ? text : formatAddress(address);
}
