import { formatAddress, formatPrefix } from '../base/ip.ts';
import { nft } from '../kernel/contract.ts';
import type { ClusterSets } from './compile-program.ts';

/** An nftables table as data. A rule's text is its identity: it also stands in the rule's comment, to be read back. */
export interface TableProgram {
  readonly family: 'inet';
  readonly name: string;
  readonly sets: readonly SetProgram[];
  readonly chains: readonly ChainProgram[];
}

export interface SetProgram {
  readonly name: string;
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  /** Prefixes instead of single addresses. */
  readonly interval: boolean;
  readonly elements: ReadonlySet<string>;
}

export interface ChainProgram {
  readonly name: string;
  readonly type: 'filter' | 'nat';
  readonly hook: string;
  readonly priority: number;
  readonly rules: readonly string[];
}

/** What `list table` says: sets with their elements, chains with the comments of their rules. Undefined: no table. */
export interface TableState {
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/**
 * Pods keep their address towards pods and nodes and leave the cluster with their node's. Ports are chosen at random, so
 * that two pods' connections to one server do not race for the same port; TCP learns the smallest MTU of the way when it
 * connects, for networks that lose the packets that would tell it later.
 */
export function compileRules(sets: ClusterSets): TableProgram {
  const masquerade = (ip: 'ip' | 'ip6', digit: 4 | 6) =>
    `${ip} saddr @pods${digit} ${ip} daddr != @pods${digit} ${ip} daddr != @nodes${digit} masquerade fully-random`;
  return {
    family: 'inet',
    name: nft.tables.pods,
    sets: [
      setOf('pods4', 4, true, sets.pods.filter(prefix => prefix.family === 4).map(formatPrefix)),
      setOf('pods6', 6, true, sets.pods.filter(prefix => prefix.family === 6).map(formatPrefix)),
      setOf('nodes4', 4, false, sets.nodes.filter(address => address.family === 4).map(formatAddress)),
      setOf('nodes6', 6, false, sets.nodes.filter(address => address.family === 6).map(formatAddress)),
    ],
    chains: [
      {
        name: 'forward-mss',
        type: 'filter',
        ...nft.chains['pods/forward-mss'],
        rules: ['tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu'],
      },
      {
        name: 'postrouting-masquerade',
        type: 'nat',
        ...nft.chains['pods/postrouting-masquerade'],
        rules: [masquerade('ip', 4), masquerade('ip6', 6)],
      },
    ],
  };
}

function setOf(name: string, family: 4 | 6, interval: boolean, elements: readonly string[]): SetProgram {
  return { name, type: family === 4 ? 'ipv4_addr' : 'ipv6_addr', interval, elements: new Set(elements) };
}

/**
 * One transaction that turns `actual` into `desired`; empty when nothing differs. What is right is not touched: an
 * established flow and a counter survive.
 */
export function renderDelta(actual: TableState | undefined, desired: TableProgram): string {
  const table = `${desired.family} ${desired.name}`;
  const lines: string[] = actual === undefined ? [`add table ${table}`] : [];
  for (const set of desired.sets) {
    const present = actual?.sets.get(set.name);
    if (present === undefined) {
      const flags = set.interval ? ' flags interval ;' : '';
      lines.push(`add set ${table} ${set.name} { type ${set.type} ;${flags} }`);
    }
    lines.push(...elementLines(`${table} ${set.name}`, present ?? new Set(), set.elements));
  }
  for (const chain of desired.chains) {
    const present = actual?.chains.get(chain.name);
    if (present !== undefined && sameList(present, chain.rules)) continue;
    const base = `type ${chain.type} hook ${chain.hook} priority ${chain.priority} ; policy accept ;`;
    lines.push(
      present === undefined
        ? `add chain ${table} ${chain.name} { ${base} }`
        : `flush chain ${table} ${chain.name}`,
    );
    for (const rule of chain.rules) lines.push(`add rule ${table} ${chain.name} ${rule} comment "${rule}"`);
  }
  return lines.map(line => `${line}\n`).join('');
}

/** Old elements first: a prefix may only come in when what overlaps it has gone. */
function elementLines(
  set: string,
  present: ReadonlySet<string>,
  desired: ReadonlySet<string>,
): readonly string[] {
  const gone = [...present].filter(element => !desired.has(element));
  const added = [...desired].filter(element => !present.has(element));
  return [
    ...(gone.length > 0 ? [`delete element ${set} { ${gone.join(', ')} }`] : []),
    ...(added.length > 0 ? [`add element ${set} { ${added.join(', ')} }`] : []),
  ];
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((entry, index) => entry === b[index]);
