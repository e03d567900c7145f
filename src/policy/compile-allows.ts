import type { Address, Family } from '../base/ip.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { disjoint, formatAddresses, formatPorts, mergeIntervals, withoutPrefixes } from './compile-boxes.ts';
import type { Box, Interval } from './compile-boxes.ts';
import { resolvePort } from './compile-model.ts';
import type { Direction, Peer, PolicyPod, PortRange, Rule } from './model.ts';

/** Pods that no selector and no port name can tell apart. */
export interface Identity {
  readonly number: number;
  /** One of them. */
  readonly pod: PolicyPod;
}

/** What rules are for, as keys of the sets of these names; in the order in which a chain looks them up. */
export const allowParts = [
  'peers',
  'ports',
  'ranges',
  'anybody',
  'blocks4',
  'nets4',
  'blocks6',
  'nets6',
] as const;
export type AllowPart = (typeof allowParts)[number];
export type Allows = ReadonlyMap<string, readonly string[]>;

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/**
 * What rules allow from or to the pods of one identity, which each of them names. `member` is a pod of the group: names
 * of ports of ingress are resolved on it, those of egress on the peer.
 */
export function compilePeer(
  direction: Direction,
  rules: Iterable<Rule>,
  member: PolicyPod,
  { number, pod }: Identity,
): Allows {
  const target = direction === 'ingress' ? member : pod;
  const ports = new Map<Protocol, Interval<number>[]>();
  let isAll = false;
  for (const rule of rules) {
    if (rule.ports === undefined) isAll = true;
    for (const port of rule.ports ?? []) {
      // Numbers for everybody are not looked up by identity.
      if (rule.peers === undefined && port.is !== 'named') continue;
      const range = numbersOf(port, target);
      if (range === undefined || port.is === 'none') continue;
      const found = ports.get(port.protocol);
      if (found === undefined) ports.set(port.protocol, [range]);
      else found.push(range);
    }
  }
  const single: string[] = [];
  const ranges: string[] = [];
  for (const [protocol, intervals] of ports)
    for (const part of mergeIntervals(intervals))
      (part.from === part.to ? single : ranges).push(
        `${number} . ${protocol.toLowerCase()} . ${formatPorts(part)}`,
      );
  return compact([
    ['peers', isAll ? [String(number)] : []],
    ['ports', single],
    ['ranges', ranges],
  ]);
}

/** Whose addresses only the model knows. */
export interface PeerAddresses {
  /** Of the nodes that the selector matches. */
  ofNodes(selector: LabelSelector): readonly Address[];
  /** That were told for names which one of the patterns matches. */
  ofDomains(patterns: readonly string[]): readonly Address[];
}

/** What rules are for, whoever the peer is, or by its address; `all`: everything, so that nothing else matters. */
export function compileOthers(
  direction: Direction,
  rules: Iterable<Rule>,
  member: PolicyPod,
  known: PeerAddresses,
): Allows | 'all' {
  const anybody: { readonly protocol: Protocol; readonly ports: Interval<number> }[] = [];
  const blocks: { readonly family: Family; readonly addresses: Interval<bigint> }[] = [];
  const nets: { readonly family: Family; readonly protocol: Protocol; readonly box: Box }[] = [];
  for (const { peers: written, ports } of rules) {
    // Whoever it is.
    const peers = written?.some(peer => peer.is === 'everybody') === true ? undefined : written;
    if (peers === undefined && ports === undefined) return 'all';
    // A name in egress belongs to a pod: neither to anybody nor to an address.
    const ranges = (ports ?? []).flatMap(port => {
      const range = direction === 'egress' && port.is === 'named' ? undefined : numbersOf(port, member);
      return range === undefined || port.is === 'none' ? [] : [{ protocol: port.protocol, ports: range }];
    });
    if (peers === undefined) anybody.push(...ranges);
    for (const { family, addresses } of (peers ?? []).flatMap(peer => addressesOf(peer, known))) {
      if (ports === undefined) blocks.push({ family, addresses });
      for (const { protocol, ports: range } of ranges)
        nets.push({ family, protocol, box: { addresses, ports: range } });
    }
  }
  const of = (family: Family): readonly (readonly [AllowPart, readonly string[]])[] => [
    [
      `blocks${family}`,
      mergeIntervals(blocks.filter(block => block.family === family).map(block => block.addresses)).map(
        part => `${formatAddresses(family, part)} . 0-255`,
      ),
    ],
    [
      `nets${family}`,
      protocols.flatMap(protocol =>
        disjoint(
          nets.filter(net => net.family === family && net.protocol === protocol).map(net => net.box),
        ).map(
          ({ addresses, ports }) =>
            `${formatAddresses(family, addresses)} . ${protocol.toLowerCase()} . ${formatPorts(ports)}`,
        ),
      ),
    ],
  ];
  const forAnybody = protocols.flatMap(protocol =>
    mergeIntervals(anybody.filter(one => one.protocol === protocol).map(one => one.ports)).map(
      part => `${protocol.toLowerCase()} . ${formatPorts(part)}`,
    ),
  );
  return compact([['anybody', forAnybody], ...of(4), ...of(6)]);
}

function addressesOf(
  peer: Peer,
  known: PeerAddresses,
): readonly { readonly family: Family; readonly addresses: Interval<bigint> }[] {
  if (peer.is === 'block')
    return withoutPrefixes(peer.prefix, peer.except).map(addresses => ({
      family: peer.prefix.family,
      addresses,
    }));
  const single = ({ family, value }: Address) => ({ family, addresses: { from: value, to: value } });
  if (peer.is === 'nodes') return known.ofNodes(peer.selector).map(single);
  return peer.is === 'domains' ? known.ofDomains(peer.names).map(single) : [];
}

function numbersOf(port: PortRange, target: PolicyPod): Interval<number> | undefined {
  if (port.is === 'none') return undefined;
  if (port.is === 'numbers') return { from: port.from, to: port.to };
  const number = resolvePort(target, port.name, port.protocol);
  return number === undefined ? undefined : { from: number, to: number };
}

const compact = (parts: readonly (readonly [AllowPart, readonly string[]])[]): Allows =>
  new Map(parts.filter(([, elements]) => elements.length > 0));

/** How a part's set is declared, and what of a packet is looked up in it. */
export function partOf(
  direction: Direction,
  part: AllowPart,
): { readonly type: string; readonly isInterval: boolean; readonly match: string } {
  const side = direction === 'ingress' ? 'saddr' : 'daddr';
  const ports = 'meta l4proto . th dport';
  const addressed = (family: Family) => ({
    type: `ipv${family}_addr . inet_proto`,
    match: `${family === 4 ? 'ip' : 'ip6'} ${side}`,
  });
  switch (part) {
    case 'peers':
      return { type: 'mark', isInterval: false, match: 'meta mark' };
    case 'ports':
    case 'ranges':
      return {
        type: 'mark . inet_proto . inet_service',
        isInterval: part === 'ranges',
        match: `meta mark . ${ports}`,
      };
    case 'anybody':
      return { type: 'inet_proto . inet_service', isInterval: true, match: ports };
    case 'blocks4':
    case 'blocks6': {
      const { type, match } = addressed(part === 'blocks4' ? 4 : 6);
      return { type, isInterval: true, match: `${match} . meta l4proto` };
    }
    case 'nets4':
    case 'nets6': {
      const { type, match } = addressed(part === 'nets4' ? 4 : 6);
      return { type: `${type} . inet_service`, isInterval: true, match: `${match} . ${ports}` };
    }
    default:
      return part satisfies never;
  }
}
