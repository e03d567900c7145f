import type { Provenance } from '../base/provenance.ts';
import { bitsOf, contains, formatAddress, formatPrefix, prefixOf } from '../base/ip.ts';
import type { Address, Family, Prefix } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { isSelfAllowed, usableOf, viewOf } from './decide.ts';
import type { View } from './decide.ts';
import { hashOf } from './compile-hash.ts';
import { slotsOf } from './compile-weights.ts';
import { byAge, frontendKey } from './model.ts';
import type { Affinity, Endpoint, Frontend, Place, ServicePart } from './model.ts';

/** The sets and maps of the table, one of each a family. */
export type SetName =
  | ReasonSet
  | `${'counters' | 'frontends' | 'outside' | 'endpoints' | 'ids' | 'rejected' | 'dropped' | 'guarded' | 'allowed' | 'addresses' | 'hairpins' | 'self' | 'prefixes'}${Family}`;

/** Why a connection is rejected or dropped, as `decideService` says it. */
export const serviceReasons = [
  'no-endpoints',
  'no-such-port',
  'no-local-endpoints',
  'source-range',
  'no-such-address',
] as const;
export type ServiceReason = (typeof serviceReasons)[number];
type ReasonSet = `because-${ServiceReason}`;

/** Its elements are protocols, and count. */
export const reasonSet = (reason: ServiceReason): ReasonSet => `because-${reason}`;
export const reasonProtocols = ['tcp', 'udp', 'sctp'] as const;

/** One element of a set or map, as nft writes it; a set's value is empty. */
export interface Element {
  readonly set: SetName;
  readonly key: string;
  readonly value: string;
}

/** Elements that are in force together or not at all, and what asked for them. No element is in two groups. */
export interface ElementGroup {
  readonly provenance: Provenance;
  readonly elements: readonly Element[];
  /** How many endpoints the cluster's own connections choose from; 0 where they are refused or dropped. */
  readonly choices: number;
  /** Chains that its elements lead to. */
  readonly draws: readonly Draw[];
}

/**
 * A chain that draws one endpoint of `choices` and translates. `pick` draws among the slots `0:1` and on; `masquerade`
 * does the same for connections that leave with the node's address; `local` draws among the slots `1:1` and on, which
 * are the endpoints of this node for clients from outside. With an affinity, a client that was here before gets the
 * endpoint that it had: then slots lead to the endpoints' ids, which no change of the others touches.
 */
export interface Draw {
  readonly kind: 'pick' | 'masquerade' | 'local';
  readonly choices: number;
  readonly affinity?: Affinity;
}

/**
 * The flat form of all Services of a node, by the key of the group. A new connection costs three look-ups however many
 * Services there are: address, protocol and port lead to the chain of the endpoint count; that chain draws a slot;
 * address, protocol, port and slot lead to the endpoint.
 */
export type ServiceProgram = ReadonlyMap<string, ElementGroup>;

/** The most endpoints that one port of a Service can have: slots are 16 bits, from 1. */
export const mostChoices = 0xffff;

export function drawName({ kind, choices, affinity }: Draw): string {
  const name = `${kind}-${choices}`;
  return affinity === undefined ? name : `sticky-${affinity.port}-${affinity.seconds}-${name}`;
}

/**
 * The map of the clients of a Service port, each with the id of its endpoint; the port's addresses share it. Clients from
 * outside have one of their own where they get other endpoints.
 */
export function affinityName({ affinity, kind }: Draw, family: Family): string {
  return `affinity${family}-${affinity?.port ?? ''}${kind === 'local' ? '-outside' : ''}`;
}

export const isDrawName = (chain: string): boolean => /^(pick|masquerade|local|sticky)-/.test(chain);
export const isAffinityName = (map: string): boolean => /^affinity[46]-/.test(map);

/** The chain of connections that other nodes could serve, and this one must not. */
export const noLocalChain = 'no-local';
/** The same for those that were counted before. */
export const dropChain = 'no-local-counted';

/** Major numbers of slots. */
const majors = { inside: 0, outside: 1 } as const;

/** What all Services ask for together; of what several ask for, the oldest one's counts, as in `mergeParts`. */
export function compileNft(parts: Iterable<ServicePart>, place: Place): ServiceProgram {
  const groups = new Map<string, ElementGroup>();
  for (const part of [...parts].sort(byAge)) {
    for (const [key, group] of compilePart(part, place)) if (!groups.has(key)) groups.set(key, group);
  }
  return groups;
}

/** What one Service asks for, whatever the others do. */
export function compilePart(part: ServicePart, place: Place): ServiceProgram {
  return new Map([
    ...part.frontends.map(frontend => [keyOfFrontend(frontend), compileFrontend(frontend, place)] as const),
    ...compileShared(part.service, part.addresses, part.frontends, place),
  ]);
}

/** What the node itself brings: its address for clients that pods must not see, and where cluster addresses come from. */
export function compileNode(addresses: readonly Address[], prefixes: readonly Prefix[]): ServiceProgram {
  const provenance: Provenance = {
    kind: 'Node',
    namespace: '',
    name: '',
    uid: '',
    generation: 0,
    field: 'status.addresses',
  };
  const counting = serviceReasons.flatMap(reason =>
    reasonProtocols.map((key): Element => ({ set: reasonSet(reason), key, value: '' })),
  );
  return new Map<string, ElementGroup>([
    ['reasons', { provenance, choices: 0, draws: [], elements: counting }],
    ...addresses.map(address => {
      const elements = ['tcp', 'udp', 'sctp'].map((key): Element => ({
        set: `self${address.family}`,
        key,
        value: formatAddress(address),
      }));
      return [`self ${address.family}`, { provenance, choices: 0, draws: [], elements }] as const;
    }),
    ...prefixes.map(prefix => {
      const key = formatPrefix(prefix);
      const element: Element = { set: `prefixes${prefix.family}`, key: `${key} . 0-255`, value: '' };
      return [`prefix ${key}`, { provenance, choices: 0, draws: [], elements: [element] }] as const;
    }),
  ]);
}

const keyOfFrontend = ({ address, protocol, port }: Frontend): string => frontendKey(address, protocol, port);

function compileFrontend(frontend: Frontend, place: Place): ElementGroup {
  const { address, service: provenance } = frontend;
  const { family } = address;
  const key = elementKey(frontend);
  const guard = compileGuard(frontend, key, place);
  const base: Element[] = [{ set: `counters${family}`, key, value: '' }, ...guard];
  if (usableOf(frontend.endpoints).endpoints.length === 0) {
    const elements: Element[] = [...base, { set: `rejected${family}`, key, value: '' }];
    return { provenance, choices: 0, draws: [], elements };
  }
  const inside = viewOf(frontend, 'inside', place);
  const outside = viewOf(frontend, 'outside', place);
  const ways = [compileView(frontend, key, 'inside', inside)];
  // Elsewhere both sides have the same endpoints; what differs is the source address, which needs no map.
  if (inside.policy !== outside.policy) ways.push(compileView(frontend, key, 'outside', outside));
  const drops = [inside, outside].some(({ endpoints }) => endpoints.length === 0);
  if (drops && guard.length === 0) base.push({ set: `dropped${family}`, key, value: '' });
  return {
    provenance,
    choices: Math.min(inside.endpoints.length, mostChoices),
    draws: ways.flatMap(way => way.draws),
    elements: [...base, ...ways.flatMap(way => way.elements)],
  };
}

function compileView(
  { address: { family }, affinity }: Frontend,
  key: string,
  side: 'inside' | 'outside',
  view: View,
): { readonly draws: readonly Draw[]; readonly elements: readonly Element[] } {
  const set: SetName = side === 'inside' ? `frontends${family}` : `outside${family}`;
  const endpoints = slotsOf(view.endpoints).slice(0, mostChoices);
  const choices = endpoints.length;
  if (choices === 0) {
    const value = `goto ${side === 'inside' ? dropChain : noLocalChain}`;
    return { draws: [], elements: [{ set, key, value }] };
  }
  const kind = side === 'outside' ? 'local' : view.masquerade ? 'masquerade' : 'pick';
  const draw: Draw = { kind, choices, ...(affinity === undefined ? {} : { affinity }) };
  const isChained = kind === 'masquerade' && affinity === undefined;
  const draws: readonly Draw[] = isChained ? [{ kind: 'pick', choices }, draw] : [draw];
  const slotKey = (index: number) => `${key} . ${slotName(majors[side], index)}`;
  const ids = affinity === undefined ? undefined : idsOf(endpoints, side);
  const elements = endpoints.flatMap((endpoint, index): readonly Element[] => {
    const value = placeOf(endpoint);
    const id = ids?.[index];
    if (id === undefined) return [{ set: `endpoints${family}`, key: slotKey(index), value }];
    return [
      { set: `ids${family}`, key: slotKey(index), value: id },
      { set: `endpoints${family}`, key: `${key} . ${id}`, value },
    ];
  });
  return { draws, elements: [{ set, key, value: `goto ${drawName(draw)}` }, ...elements] };
}

/**
 * Numbers that an endpoint keeps, written as slots are; their major part is above those of slots. The sides have
 * numbers of their own: what a client of one has must not lead to an endpoint that only the other may use.
 */
function idsOf(endpoints: readonly Endpoint[], side: 'inside' | 'outside'): readonly string[] {
  const taken = new Set<number>();
  return endpoints.map(endpoint => {
    let id = hashOf(placeOf(endpoint)) & 0x3fff_ffff;
    while (taken.has(id)) id = (id + 1) & 0x3fff_ffff;
    taken.add(id);
    const major = (side === 'inside' ? 0x8000 : 0xc000) + (id >>> 16);
    return `${major.toString(16)}:${(id & 0xffff).toString(16)}`;
  });
}

/** Who may come, where not everybody may; a range inside another is left out, as the kernel wants. */
function compileGuard({ address, exposure }: Frontend, key: string, place: Place): readonly Element[] {
  if (exposure.of !== 'load-balancer' || exposure.sourceRanges === undefined) return [];
  const { family } = address;
  const self = isSelfAllowed(family, exposure, place) ? [prefixOf(address, bitsOf(family))] : [];
  const ranges = [...exposure.sourceRanges.filter(range => range.family === family), ...self];
  if (ranges.some(range => range.length === 0)) return [];
  const isWithin = (one: Prefix, other: Prefix) =>
    other !== one && other.length <= one.length && contains(other, one);
  const unique = [...new Map(ranges.map(range => [formatPrefix(range), range])).values()];
  const widest = unique.filter(range => !unique.some(other => isWithin(range, other)));
  return [
    { set: `guarded${family}`, key, value: '' },
    { set: `dropped${family}`, key, value: '' },
    ...widest.map((range): Element => ({
      set: `allowed${family}`,
      key: `${key} . ${range.length === bitsOf(family) ? formatAddress(range) : formatPrefix(range)}`,
      value: '',
    })),
  ];
}

/** `10.96.0.10 . udp . 53` */
function elementKey(at: {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
}): string {
  return `${formatAddress(at.address)} . ${at.protocol.toLowerCase()} . ${at.port}`;
}

/** A slot is written as a traffic class, major and minor number in hexadecimal; none is 0. */
const slotName = (major: number, index: number): string => `${major}:${(index + 1).toString(16)}`;

const placeOf = (endpoint: Endpoint): string => `${formatAddress(endpoint.address)} . ${endpoint.port}`;

/** What does not belong to one port: the addresses, and the endpoints here that may be sent to themselves. */
function compileShared(
  provenance: Provenance,
  addresses: readonly Address[],
  frontends: readonly Frontend[],
  { node }: Place,
): ReadonlyMap<string, ElementGroup> {
  const groups = new Map<string, ElementGroup>();
  const add = (key: string, element: Element) =>
    groups.set(key, { provenance, choices: 0, draws: [], elements: [element] });
  for (const address of addresses) {
    const key = formatAddress(address);
    add(`address ${key}`, { set: `addresses${address.family}`, key, value: '' });
  }
  for (const endpoint of frontends.flatMap(frontend => frontend.endpoints)) {
    if (endpoint.nodeName !== undefined && endpoint.nodeName !== node) continue;
    const self = formatAddress(endpoint.address);
    add(`hairpin ${self}`, {
      set: `hairpins${endpoint.address.family}`,
      key: `${self} . ${self}`,
      value: '',
    });
  }
  return groups;
}
