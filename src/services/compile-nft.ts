import type { Provenance } from '../base/provenance.ts';
import { formatAddress } from '../base/ip.ts';
import type { Address, Family } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { usableEndpoints } from './decide.ts';
import { byAge, frontendKey } from './model.ts';
import type { Endpoint, Frontend, ServicePart } from './model.ts';

/** The sets and maps of the table, one of each a family. */
export type SetName =
  `${'counters' | 'frontends' | 'endpoints' | 'rejected' | 'addresses' | 'hairpins'}${Family}`;

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
  /** How many endpoints its connections choose from: there has to be a chain that draws one of so many. */
  readonly choices: number;
}

/**
 * The flat form of all Services of a node, by the key of the group. A new connection costs three look-ups however many
 * Services there are: address, protocol and port lead to the chain of the endpoint count; that chain draws a slot;
 * address, protocol, port and slot lead to the endpoint.
 */
export type ServiceProgram = ReadonlyMap<string, ElementGroup>;

/** The most endpoints that one port of a Service can have: slots are 16 bits, from 1. */
export const mostChoices = 0xffff;

/** The chain that draws one of `choices` endpoints. */
export const pickChain = (choices: number): string => `pick-${choices}`;

/** What all Services ask for together; of what several ask for, the oldest one's counts, as in `mergeParts`. */
export function compileNft(parts: Iterable<ServicePart>, node: string): ServiceProgram {
  const groups = new Map<string, ElementGroup>();
  for (const part of [...parts].sort(byAge)) {
    for (const [key, group] of compilePart(part, node)) if (!groups.has(key)) groups.set(key, group);
  }
  return groups;
}

/** What one Service asks for, whatever the others do. */
export function compilePart(part: ServicePart, node: string): ServiceProgram {
  return new Map([
    ...part.frontends.map(frontend => [keyOfFrontend(frontend), compileFrontend(frontend)] as const),
    ...compileShared(part.service, part.addresses, part.frontends, node),
  ]);
}

const keyOfFrontend = ({ address, protocol, port }: Frontend): string => frontendKey(address, protocol, port);

function compileFrontend(frontend: Frontend): ElementGroup {
  const { address, service: provenance } = frontend;
  const { family } = address;
  const key = elementKey(frontend);
  const endpoints = usableEndpoints(frontend).endpoints.slice(0, mostChoices);
  const counter: Element = { set: `counters${family}`, key, value: '' };
  if (endpoints.length === 0)
    return { provenance, choices: 0, elements: [counter, { set: `rejected${family}`, key, value: '' }] };
  const places = endpoints.map((endpoint, index): Element => ({
    set: `endpoints${family}`,
    key: `${key} . ${slotName(index)}`,
    value: placeOf(endpoint),
  }));
  const choice: Element = { set: `frontends${family}`, key, value: `goto ${pickChain(endpoints.length)}` };
  return { provenance, choices: endpoints.length, elements: [counter, choice, ...places] };
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
const slotName = (index: number): string => `0:${(index + 1).toString(16)}`;

const placeOf = (endpoint: Endpoint): string => `${formatAddress(endpoint.address)} . ${endpoint.port}`;

/** What does not belong to one port: the addresses, and the endpoints here that may be sent to themselves. */
function compileShared(
  provenance: Provenance,
  addresses: readonly Address[],
  frontends: readonly Frontend[],
  node: string,
): ReadonlyMap<string, ElementGroup> {
  const groups = new Map<string, ElementGroup>();
  const add = (key: string, element: Element) =>
    groups.set(key, { provenance, choices: 0, elements: [element] });
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
