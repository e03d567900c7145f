import { addressFromBytes, bytesOf, formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { viewOf } from './decide.ts';
import type { View } from './decide.ts';
import { hashOf } from './compile-hash.ts';
import { slotsOf } from './compile-weights.ts';
import { frontendKey } from './model.ts';
import type { Endpoint, Frontend, Place, ServicePart } from './model.ts';

/**
 * One front end as the socket hooks have it: bytes in the shapes of bpf/service-maps.h. An endpoint stands in its slot,
 * and where clients come back to it also under its id, which no change of the others touches.
 */
export interface SocketGroup {
  /** struct place */
  readonly key: Uint8Array;
  /** struct frontend */
  readonly frontend: Uint8Array;
  /** One struct endpoint after the other, in the order of their slots. */
  readonly endpoints: Uint8Array;
  /** Endpoints are found by id, too. */
  readonly byId: boolean;
  /** One struct address after the other: endpoints on this node, which must not meet themselves. */
  readonly locals: Uint8Array;
}

/** Lengths of the structs in bpf/service-maps.h. */
export const lengths = {
  place: 20,
  frontend: 24,
  slot: 24,
  endpoint: 24,
  local: 36,
  own: 256,
  address: 16,
  counted: 40,
  peer: 48,
} as const;

/** IANA protocol numbers. SCTP sockets do more than connect and send; nftables translates what they do. */
const protocols: Partial<Record<Protocol, number>> = { TCP: 6, UDP: 17 };
const hasLocal = 1;
const bySlotOfId = 0x8000_0000;

/**
 * What sockets of pods can be led to without anybody telling the difference, by the key of the front end. The rest is
 * left to nftables, which has all of it: what is refused or dropped, what has source ranges or leaves with the node's
 * address, and `skipped` addresses. The addresses of a port with an affinity share what is remembered of clients, so
 * they are all here or none is.
 */
export function compileSockets(
  part: ServicePart,
  place: Place,
  skipped: ReadonlySet<string>,
): ReadonlyMap<string, SocketGroup> {
  const views = part.frontends.map(frontend => ({ frontend, view: viewOf(frontend, 'inside', place) }));
  const left = new Set(
    views.flatMap(({ frontend, view }) =>
      frontend.affinity !== undefined && view.endpoints.length > 0 && !isExact(frontend, view)
        ? [portOf(frontend)]
        : [],
    ),
  );
  return new Map(
    views.flatMap(({ frontend, view }) => {
      const { address, protocol, port } = frontend;
      if (view.endpoints.length === 0 || !isExact(frontend, view)) return [];
      if (left.has(portOf(frontend)) || skipped.has(formatAddress(address))) return [];
      return [[frontendKey(address, protocol, port), compileFrontend(frontend, view, place)] as const];
    }),
  );
}

function isExact({ exposure, protocol }: Frontend, view: View): boolean {
  const isGuarded = exposure.of === 'load-balancer' && exposure.sourceRanges !== undefined;
  return protocols[protocol] !== undefined && !view.masquerade && !isGuarded;
}

const portOf = ({ affinity, address: { family } }: Frontend): string => `${family} ${affinity?.port ?? ''}`;

function compileFrontend(frontend: Frontend, view: View, { node }: Place): SocketGroup {
  const { affinity, protocol } = frontend;
  const endpoints = slotsOf(view.endpoints);
  const ids = idsOf(endpoints);
  // As for nftables: one whose node is not known may be here.
  const locals = endpoints.filter(({ nodeName }) => nodeName === undefined || nodeName === node);
  return {
    key: encodePlace(frontend),
    frontend: encodeFrontend(endpoints.length, locals.length > 0, affinity),
    endpoints: joined(endpoints.map((endpoint, index) => encodeEndpoint(endpoint, ids[index] ?? 0))),
    byId: affinity !== undefined || protocol === 'UDP',
    locals: joined([
      ...new Map(locals.map(({ address }) => [formatAddress(address), encodeAddress(address)])).values(),
    ]),
  };
}

/** Below the bit that tells ids from slots; two endpoints that hash alike take the next free ones. */
function idsOf(endpoints: readonly Endpoint[]): readonly number[] {
  const taken = new Set<number>();
  return endpoints.map(({ address, port }) => {
    let id = hashOf(`${formatAddress(address)} . ${port}`) & 0x7fff_ffff;
    while (taken.has(id)) id = (id + 1) & 0x7fff_ffff;
    taken.add(id);
    return id;
  });
}

/** IPv4 as an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2). */
function encodeAddress(address: Address): Uint8Array {
  if (address.family === 6) return bytesOf(address);
  const bytes = new Uint8Array(lengths.address);
  bytes.set([0xff, 0xff], 10);
  bytes.set(bytesOf(address), 12);
  return bytes;
}

export function encodePlace(at: Pick<Frontend, 'address' | 'protocol' | 'port'>): Uint8Array {
  const bytes = new Uint8Array(lengths.place);
  bytes.set(encodeAddress(at.address));
  viewOn(bytes).setUint16(16, at.port);
  bytes[18] = protocols[at.protocol] ?? 0;
  return bytes;
}

function encodeFrontend(choices: number, local: boolean, affinity: Frontend['affinity']): Uint8Array {
  const bytes = new Uint8Array(lengths.frontend);
  const view = viewOn(bytes);
  view.setUint32(0, choices, true);
  view.setUint32(4, local ? hasLocal : 0, true);
  if (affinity === undefined) return bytes;
  view.setUint32(8, affinity.seconds, true);
  // Two ports that hash alike in 64 bits would share their clients' choices, which are endpoints' ids: then nothing is lost.
  view.setUint32(16, hashOf(affinity.port), true);
  view.setUint32(20, hashOf(`${affinity.port} `), true);
  return bytes;
}

function encodeEndpoint({ address, port }: Endpoint, id: number): Uint8Array {
  const bytes = new Uint8Array(lengths.endpoint);
  bytes.set(encodeAddress(address));
  viewOn(bytes).setUint16(16, port);
  viewOn(bytes).setUint32(20, id, true);
  return bytes;
}

/** Keys of `endpoints`, one after the other: those of slots from `from` to before `to`. */
export function slotKeys(place: Uint8Array, from: number, to: number): Uint8Array {
  return slotsKeys(
    place,
    Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index),
  );
}

/** Keys of `endpoints` by which each of these endpoints is found by its id. */
export function idKeys(place: Uint8Array, endpoints: Uint8Array): Uint8Array {
  return slotsKeys(
    place,
    Array.from(chunks(endpoints, lengths.endpoint), one => viewOn(one).getUint32(20, true) + bySlotOfId),
  );
}

/** Keys of `locals`. */
export function localKeys({ key, locals }: Pick<SocketGroup, 'key' | 'locals'>): Uint8Array {
  return joined(Array.from(chunks(locals, lengths.address), address => joined([key, address])));
}

/** How many entries lead to its endpoints. */
export function entriesOf({ byId, endpoints }: SocketGroup): number {
  return (endpoints.length / lengths.endpoint) * (byId ? 2 : 1);
}

/** Address and port of each endpoint, its first 18 bytes, as `textOf` writes them. */
export function placesIn(endpoints: Uint8Array): readonly string[] {
  return Array.from(chunks(endpoints, lengths.endpoint), one => textOf(one.subarray(0, 18)));
}

/** An endpoint's place in words. */
export function readPlace(endpoint: Uint8Array): { readonly address: string; readonly port: number } {
  const bytes = endpoint.subarray(0, lengths.address);
  const isMapped =
    bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  const address = addressFromBytes(isMapped ? bytes.subarray(12) : bytes);
  return {
    address: address === undefined ? '' : formatAddress(address),
    port: viewOn(endpoint).getUint16(lengths.address),
  };
}

export const isUdp = (place: Uint8Array): boolean => place[18] === protocols.UDP;

/** struct own: addresses by which a pod is known, of both families; it has no more of them than there is room for. */
export function encodeOwn(addresses: readonly Address[]): Uint8Array {
  const bytes = new Uint8Array(lengths.own);
  for (const [index, address] of addresses.slice(0, mostOwn).entries())
    bytes.set(encodeAddress(address), index * lengths.address);
  return bytes;
}

const mostOwn = 16;

export function* chunks(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at + length <= bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Bytes as a key of maps and sets: a character each. */
export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

export const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

export const viewOn = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function slotsKeys(place: Uint8Array, slots: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(slots.length * lengths.slot);
  for (const [index, slot] of slots.entries()) {
    bytes.set(place, index * lengths.slot);
    viewOn(bytes).setUint32(index * lengths.slot + lengths.place, slot, true);
  }
  return bytes;
}
