import { connectionMarks, logGroups, nft } from '../kernel/contract.ts';
import { allowParts, partOf } from './compile-allows.ts';
import type { AllowPart } from './compile-allows.ts';
import type { ChainProgram } from './compile-program.ts';
import { auditSection, suffixOf } from './compile-sections.ts';
import type { Section } from './compile-sections.ts';
import type { Direction, Tier } from './model.ts';

/**
 * The chains of the one table:
 *
 *   forward ── revoked? drop ── established? accept ── source of an isolated pod ─▶ egress-GROUP ─▶ ingress-GROUP
 *   input  ─── the same, with egress alone: the destination is the node
 *   output ─── revoked? drop: the node reaches its own pods
 *
 *   egress-GROUP   identity of the peer into the packet's mark; allowed by it, by address or by anybody: return
 *                  else drop-egress-GROUP, which counts, and reports some
 *   egress-GROUP-audit  what passed, and would not if NetworkPolicies that are only tried were enforced, is reported
 *   egress-GROUP-rest   behind rules of ClusterNetworkPolicies that pass: NetworkPolicies, or the Baseline tier
 */

/** The chain that drops everything of pods whose policies are not known, or are not taken by the kernel. */
export const closedChain = 'closed';
/** Of reports of what passes. */
export const passedPrefix = 'allowed';
/** The chain that shows what a packet's connection asked for before it was translated; and the prefix of its reports. */
export const askedChain = 'asked';
/** The chain that drops what a change took back. */
export const revokedChain = 'revoked';

/** Addresses of pods to identities, and of isolated pods of this node to the chain of their group. */
export const addressMaps: readonly { readonly name: string; readonly declaration: string }[] = (
  [4, 6] as const
).flatMap(family =>
  [
    { name: 'identity', value: 'mark' },
    { name: 'egress', value: 'verdict' },
    { name: 'ingress', value: 'verdict' },
  ].map(({ name, value }) => ({
    name: `${name}${family}`,
    declaration: `type ipv${family}_addr : ${value};`,
  })),
);

const hook = (name: keyof typeof nft.chains): string =>
  `type filter hook ${nft.chains[name].hook} priority ${nft.chains[name].priority}; policy accept;`;

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
  `limit rate 10/second burst 20 packets log prefix "${name}" group ${logGroups.policyReports}`;
const dropRules = (reports: readonly string[], reportsDrops: boolean): readonly string[] => [
  ...(reportsDrops ? reports : []),
  'counter drop',
];
/** Of the first packet of a connection: nobody can ask the kernel for it later. */
const reportAsked = (name: string): string => `${report(name)} jump ${askedChain}`;
/**
 * The packet is dropped: what stands in it does not matter any more. Not every kernel joins connections to reports, and
 * before 5.16 none writes ports of SCTP: its reports have the port that it was translated to.
 */
const askedRules: readonly string[] = [
  'ct status and dnat == 0 return',
  'ip daddr set ct original ip daddr',
  'ip6 daddr set ct original ip6 daddr',
  ...['tcp', 'udp'].map(protocol => `${protocol} dport set ct original proto-dst`),
  `log prefix "${askedChain}" group ${logGroups.policyReports}`,
];
/** What would be dropped is reported and counted in the same way, and passes. */
const wouldDrop = (name: string, reportsDrops: boolean): readonly string[] => [
  ...(reportsDrops ? [report(`audit-${name}`)] : []),
  'counter',
];
/** Who opened the connection is not who sends a reply: the report says which of both it is. */
const revokedReports = [
  `ct direction original ${report(revokedChain)}`,
  `ct direction reply ${report(`${revokedChain}-reply`)}`,
];

/** What the kernel tells of packets. */
export interface Reports {
  readonly reportsDrops: boolean;
  /** Also some of the new connections that pass. */
  readonly reportsPasses?: boolean;
}

/**
 * Behind all that drops. Its place in the chain costs established connections nothing; only a connection's first packet is
 * not confirmed yet, also where nobody answers.
 */
const passed = `ct state new ct status and confirmed == 0 limit rate 50/second burst 100 packets log prefix "${passedPrefix}" group ${logGroups.policyReports}`;

/** Chains that are always there. */
export const baseChains = ({
  reportsDrops,
  reportsPasses = false,
}: Reports): readonly (readonly [string, ChainProgram])[] => [
  [
    'forward',
    {
      base: hook('policy/forward'),
      rules: [
        revoked,
        established,
        discovery,
        ...verdictOf('egress'),
        ...verdictOf('ingress'),
        ...(reportsPasses ? [passed] : []),
      ],
    },
  ],
  ['input', { base: hook('policy/input'), rules: [revoked, established, discovery, ...verdictOf('egress')] }],
  ['output', { base: hook('policy/output'), rules: [revoked] }],
  // Packet marks are for others: what was written for the look-up is taken back.
  ['allowed', { rules: ['meta mark set 0'] }],
  ...(reportsDrops ? [[askedChain, { rules: askedRules }] as const] : []),
  [closedChain, { rules: dropRules([reportAsked(closedChain)], reportsDrops) }],
  [revokedChain, { rules: dropRules(revokedReports, reportsDrops) }],
];

export const setNameOf = (group: string, suffix: string): string => `${group}-${suffix}`;
/** All that a group may have. */
export const chainNamesOf = (group: string): readonly string[] => [
  group,
  `${group}-rest`,
  auditChainOf(group),
  dropChainOf(group),
];
const auditChainOf = (group: string): string => `${group}-audit`;
export const dropChainOf = (group: string): string => `drop-${group}`;

/** As nft writes it. */
export function declarationOf(direction: Direction, part: AllowPart): string {
  const { type, isInterval } = partOf(direction, part);
  return `type ${type};${isInterval ? ' flags interval;' : ''} counter;`;
}

/** A section, and the sets that it has. */
export interface SectionSets {
  readonly section: Section;
  readonly parts: ReadonlySet<AllowPart> | 'all';
}

/**
 * A group's chains by their names: Admin rules in order, then NetworkPolicies and the drop of what they do not allow, or,
 * where none of them isolates, Baseline rules in order.
 */
export function groupChains(
  direction: Direction,
  name: string,
  sections: readonly SectionSets[],
  reportsDrops: boolean,
): ReadonlyMap<string, ChainProgram> {
  const [only] = sections;
  if (sections.length === 1 && only?.section.name === '' && only.parts === 'all')
    return new Map([[name, { rules: ['counter return'] }]]);
  const side = direction === 'ingress' ? 'saddr' : 'daddr';
  const usesMark = sections.some(
    ({ parts }) => parts !== 'all' && (parts.has('peers') || parts.has('ports') || parts.has('ranges')),
  );
  const identity = [
    'meta mark set 0', // a look-up that fails leaves what was there
    `meta mark set ip ${side} map @identity4`,
    `meta mark set ip6 ${side} map @identity6`,
  ];
  const accept = usesMark ? 'goto allowed' : 'return';
  const drop = `goto ${dropChainOf(name)}`;
  const rest = `${name}-rest`;
  const isAudit = ({ section }: SectionSets) => section.name === auditSection;
  const audit = sections.find(isAudit);
  const auditChain = auditChainOf(name);
  // What passes NetworkPolicies, or what they do not isolate, is shown to those that are only tried.
  const pass = audit === undefined || audit.parts === 'all' ? accept : `goto ${auditChain}`;
  const targetOf = ({ tier, action, name: section }: Section): string => {
    if (action === 'Deny') return drop;
    if (tier === 'Admin') return action === 'Pass' ? `goto ${rest}` : accept;
    return section === auditSection ? accept : pass;
  };
  const rulesOf = ({ section, parts }: SectionSets): readonly string[] => {
    const target = targetOf(section);
    if (parts === 'all') return [`counter ${target}`];
    return allowParts
      .filter(part => parts.has(part))
      .map(
        part =>
          `${partOf(direction, part).match} @${setNameOf(name, suffixOf(section.name, part))} ${target}`,
      );
  };
  const ofTier = (tier: Tier) => sections.filter(({ section }) => section.tier === tier);
  const isolating = ofTier('NetworkPolicy').filter(one => !isAudit(one));
  const admin = ofTier('Admin').flatMap(rulesOf);
  const others = isolating.length > 0 ? isolating : ofTier('Baseline');
  const last = [...others.flatMap(rulesOf), isolating.length > 0 ? drop : pass];
  const isPassed = ofTier('Admin').some(({ section }) => section.action === 'Pass');
  return new Map<string, ChainProgram>([
    [name, { rules: [...(usesMark ? identity : []), ...admin, ...(isPassed ? [`goto ${rest}`] : last)] }],
    ...(isPassed ? [[rest, { rules: last }] as const] : []),
    ...(pass === accept || audit === undefined
      ? []
      : [[auditChain, { rules: [...rulesOf(audit), ...wouldDrop(name, reportsDrops), accept] }] as const]),
    [dropChainOf(name), { rules: dropRules([reportAsked(name)], reportsDrops) }],
  ]);
}
