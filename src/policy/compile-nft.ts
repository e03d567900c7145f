import { formatAddress } from '../base/ip.ts';
import type { Address, Family } from '../base/ip.ts';
import { connectionMarks, logGroups, nft } from '../kernel/contract.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { disjoint, formatAddresses, formatPorts, mergeIntervals } from './compile-boxes.ts';
import type { Interval } from './compile-boxes.ts';
import { identityKey } from './compile-groups.ts';
import type { Group, Identities } from './compile-groups.ts';
import { nameOf, numbersFor } from './compile-ids.ts';
import type { Direction, PolicyModel } from './model.ts';

/**
 * What stands in the kernel, as plain data. One table:
 *
 *   forward ── revoked? drop ── established? accept ── source of an isolated pod ─▶ egress-GROUP ─▶ ingress-GROUP
 *   input  ─── the same, with egress alone: the destination is the node
 *   output ─── revoked? drop: the node reaches its own pods
 *
 *   egress-GROUP   identity of the peer into the packet's mark; allowed by it, by address or by anybody: return
 *                  else drop-egress-GROUP, which counts, and reports some
 */
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
  /** What asked for it, in words. */
  readonly reason: string;
}

export interface ProgramParts {
  readonly model: PolicyModel;
  readonly identities: Identities;
  readonly groups: readonly Group[];
  /** Addresses of pods whose policies are not known yet. */
  readonly closed: readonly Address[];
  /** Groups that the kernel refused: their pods stay closed. */
  readonly refused: ReadonlySet<string>;
  /** The kernel can report packets that are dropped. */
  readonly reportsDrops: boolean;
}

/** The chain that drops everything of pods whose policies are not known, or are not taken by the kernel. */
export const closedChain = 'closed';

const marker = nft.tables.policy;

export function compileNft(parts: ProgramParts): PolicyProgram {
  const { model, identities, groups, closed, refused, reportsDrops } = parts;
  const sets = new Map<string, SetProgram>();
  const chains = new Map<string, ChainProgram>(baseChains(reportsDrops));
  const identity = { 4: new Map<string, string>(), 6: new Map<string, string>() };
  for (const [text, pod] of model.podsByAddress) {
    const number = identities.numbers.get(identityKey(pod));
    if (number !== undefined) identity[familyOf(text)].set(text, String(number));
  }
  const verdicts = {
    egress: { 4: new Map<string, string>(), 6: new Map<string, string>() },
    ingress: { 4: new Map<string, string>(), 6: new Map<string, string>() },
  };
  const names = groupNames(groups);
  for (const group of groups) {
    const { direction } = group;
    const name = names.get(group.key) ?? closedChain;
    const target = refused.has(group.key) ? closedChain : name;
    for (const pod of group.pods)
      for (const address of pod.addresses) {
        const text = formatAddress(address);
        // Of two pods that claim one address the younger has it.
        if (model.podsByAddress.get(text) === pod)
          verdicts[direction][address.family].set(text, `jump ${target}`);
      }
    if (!refused.has(group.key)) addGroup(group, name, reportsDrops, sets, chains);
  }
  for (const address of closed)
    for (const direction of ['egress', 'ingress'] as const)
      verdicts[direction][address.family].set(formatAddress(address), `jump ${closedChain}`);
  for (const family of [4, 6] as const) {
    const map = (value: string, elements: ReadonlyMap<string, string>): SetProgram => ({
      kind: 'map',
      declaration: `type ipv${family}_addr : ${value};`,
      elements,
    });
    sets.set(`identity${family}`, map('mark', identity[family]));
    sets.set(`egress${family}`, map('verdict', verdicts.egress[family]));
    sets.set(`ingress${family}`, map('verdict', verdicts.ingress[family]));
  }
  return { sets, chains };
}

/** The chain of each group, by its key. */
export function groupNames(groups: readonly Group[]): ReadonlyMap<string, string> {
  const numbers = numbersFor(groups.map(group => group.key));
  return new Map(
    groups.map(({ key, direction }) => [key, `${direction}-${nameOf(numbers.get(key) ?? 0)}`] as const),
  );
}

const familyOf = (text: string): Family => (text.includes(':') ? 6 : 4);

const hook = (name: keyof typeof nft.chains): string =>
  `type filter hook ${nft.chains[name].hook} priority ${nft.chains[name].priority}; policy accept;`;

/** The chain that drops what a change took back. */
const revokedChain = 'revoked';
const revoked = `ct mark and 0x${connectionMarks.revoked.toString(16)} != 0 goto ${revokedChain}`;
const established = 'ct state established,related accept';
/** Router and neighbour discovery, redirects (RFC 4861): without them IPv6 is dead. */
const discovery = 'icmpv6 type { 133, 134, 135, 136, 137 } accept';
const verdictOf = (direction: Direction): readonly string[] => {
  const side = direction === 'egress' ? 'saddr' : 'daddr';
  return [`ip ${side} vmap @${direction}4`, `ip6 ${side} vmap @${direction}6`];
};

/** Some of many are reported, each group for itself: a flood of one does not hide the drops of another. */
const report = (name: string): string =>
  `limit rate 10/second burst 20 packets log prefix "${name}" group ${logGroups.policyDrops}`;
const dropRules = (reports: readonly string[], reportsDrops: boolean): readonly string[] => [
  ...(reportsDrops ? reports : []),
  'counter drop',
];

/** Who opened the connection is not who sends a reply: the report says which of both it is. */
const revokedReports = [
  `ct direction original ${report(revokedChain)}`,
  `ct direction reply ${report(`${revokedChain}-reply`)}`,
];

const baseChains = (reportsDrops: boolean): readonly (readonly [string, ChainProgram])[] => [
  [
    'forward',
    {
      base: hook('policy/forward'),
      rules: [revoked, established, discovery, ...verdictOf('egress'), ...verdictOf('ingress')],
      reason: marker,
    },
  ],
  [
    'input',
    {
      base: hook('policy/input'),
      rules: [revoked, established, discovery, ...verdictOf('egress')],
      reason: marker,
    },
  ],
  ['output', { base: hook('policy/output'), rules: [revoked], reason: marker }],
  // Packet marks are for others: what was written for the look-up is taken back.
  ['allowed', { rules: ['meta mark set 0'], reason: marker }],
  [closedChain, { rules: dropRules([report(closedChain)], reportsDrops), reason: marker }],
  [revokedChain, { rules: dropRules(revokedReports, reportsDrops), reason: marker }],
];

function addGroup(
  group: Group,
  name: string,
  reportsDrops: boolean,
  sets: Map<string, SetProgram>,
  chains: Map<string, ChainProgram>,
): void {
  const { allows, direction } = group;
  const reason = group.policies.map(policy => `${policy.namespace}/${policy.name}`).join(', ');
  const side = direction === 'ingress' ? 'saddr' : 'daddr';
  const rules: string[] = [];
  const drop = `drop-${name}`;
  if (allows.all) {
    chains.set(name, { rules: ['counter return'], reason });
    return;
  }
  const peers = peerElements(group);
  const usesMark = peers.all.length + peers.ports.length + peers.ranges.length > 0;
  if (usesMark)
    rules.push(
      'meta mark set 0', // a look-up that fails leaves what was there
      `meta mark set ip ${side} map @identity4`,
      `meta mark set ip6 ${side} map @identity6`,
    );
  const allow = (part: string, match: string, type: string, elements: readonly string[], isRange = true) => {
    if (elements.length === 0) return;
    sets.set(`${name}-${part}`, {
      kind: 'set',
      declaration: `type ${type};${isRange ? ' flags interval;' : ''} counter;`,
      elements: new Map(elements.map(element => [element, ''])),
    });
    rules.push(`${match} @${name}-${part} ${usesMark ? 'goto allowed' : 'return'}`);
  };
  const key = 'meta mark . meta l4proto . th dport';
  allow('peers', 'meta mark', 'mark', peers.all, false);
  allow('ports', key, 'mark . inet_proto . inet_service', peers.ports, false);
  allow('ranges', key, 'mark . inet_proto . inet_service', peers.ranges);
  allow('anybody', 'meta l4proto . th dport', 'inet_proto . inet_service', anybodyElements(group));
  for (const family of [4, 6] as const) {
    const address = `${family === 4 ? 'ip' : 'ip6'} ${side}`;
    const type = `ipv${family}_addr . inet_proto`;
    const blocks = allows.blocks.filter(block => block.family === family).map(block => block.addresses);
    const whole = mergeIntervals(blocks).map(part => `${formatAddresses(family, part)} . 0-255`);
    allow(`blocks${family}`, `${address} . meta l4proto`, type, whole);
    const some = blockElements(group, family);
    allow(`nets${family}`, `${address} . meta l4proto . th dport`, `${type} . inet_service`, some);
  }
  chains.set(name, { rules: [...rules, `goto ${drop}`], reason });
  chains.set(drop, { rules: dropRules([report(name)], reportsDrops), reason });
}

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

function peerElements({ allows }: Group) {
  const byPeer = new Map<string, Interval<number>[]>();
  for (const { peer, protocol, ports } of allows.peerPorts) {
    const key = `${peer} . ${protocol.toLowerCase()}`;
    const found = byPeer.get(key);
    if (found === undefined) byPeer.set(key, [ports]);
    else found.push(ports);
  }
  const ports: string[] = [];
  const ranges: string[] = [];
  for (const [key, intervals] of byPeer)
    for (const part of mergeIntervals(intervals))
      (part.from === part.to ? ports : ranges).push(`${key} . ${formatPorts(part)}`);
  return { all: [...allows.peers].map(String), ports, ranges };
}

function anybodyElements({ allows }: Group): readonly string[] {
  return protocols.flatMap(protocol =>
    mergeIntervals(allows.anybody.filter(one => one.protocol === protocol).map(one => one.ports)).map(
      part => `${protocol.toLowerCase()} . ${formatPorts(part)}`,
    ),
  );
}

function blockElements({ allows }: Group, family: Family): readonly string[] {
  return protocols.flatMap(protocol =>
    disjoint(
      allows.blockPorts.filter(one => one.family === family && one.protocol === protocol).map(one => one.box),
    ).map(
      ({ addresses, ports }) =>
        `${formatAddresses(family, addresses)} . ${protocol.toLowerCase()} . ${formatPorts(ports)}`,
    ),
  );
}
