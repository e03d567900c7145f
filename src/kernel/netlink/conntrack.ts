import { addressFromBytes, bytesOf, formatAddress, parseAddress } from '../../base/ip.ts';
import { flags, request } from './request.ts';
import type { Request } from './request.ts';
import { decodeAttributes, nested, optional, readU16, readU32, readU8, u16, u32, u8 } from './wire.ts';
import type { Attribute } from './wire.ts';

/** One direction of a connection. Addresses as `formatAddress` writes them. */
export interface ConnectionTuple {
  readonly source: string;
  readonly destination: string;
  /** Absent for protocols without ports. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** ICMP and ICMPv6: identifier, type and code name the connection. */
  readonly icmp?: { readonly id: number; readonly type: number; readonly code: number };
}

/** One tracked connection: `reply.source` is who answers, behind a Service the endpoint. */
export interface Connection {
  readonly family: 4 | 6;
  /** IP protocol number. */
  readonly protocol: number;
  readonly zone: number;
  readonly original: ConnectionTuple;
  readonly reply: ConnectionTuple;
  readonly mark: number;
}

/** Bits of a connection mark: those of `mask` are, or become, those of `value`. */
export interface ConnectionMark {
  readonly value: number;
  readonly mask: number;
}

/** All that is given has to hold. */
export interface ConnectionFilter {
  readonly family?: 4 | 6;
  readonly protocol?: number;
  readonly zone?: number;
  readonly original?: Partial<ConnectionTuple>;
  readonly reply?: Partial<ConnectionTuple>;
  /** Any of them, at any end of any direction. */
  readonly addresses?: ReadonlySet<string>;
  readonly mark?: ConnectionMark;
}

/** <linux/netfilter/nfnetlink_conntrack.h> */
const messages = { set: 0x0100, get: 0x0101, delete: 0x0102 } as const;
const attributes = { original: 1, reply: 2, mark: 8, zone: 18, markMask: 21 } as const;
const tupleParts = { address: 1, protocol: 2 } as const;
const nestedFlag = 0x8000;
const icmp = 1;
const icmp6 = 58;

/** struct nfgenmsg: family, version, resource. */
const header = (family: 4 | 6 | undefined): Uint8Array =>
  Uint8Array.of(family === undefined ? 0 : family === 4 ? 2 : 10, 0, 0, 0);

export const encodeConnectionDump = (): Request =>
  request(messages.get, flags.request | flags.dump, header(undefined), []);

export function encodeMark(connection: Connection, { value, mask }: ConnectionMark): Request {
  return request(messages.set, flags.request | flags.acknowledge, header(connection.family), [
    ...keyOf(connection),
    [attributes.mark, u32((value & mask) >>> 0, 'network')],
    [attributes.markMask, u32(mask, 'network')],
  ]);
}

export function encodeConnectionDelete(connection: Connection): Request {
  const key = keyOf(connection);
  return request(messages.delete, flags.request | flags.acknowledge, header(connection.family), key);
}

/** One connection by how its replies look; in the zone 0. */
export const encodeConnectionGet = (protocol: number, reply: ConnectionTuple): Request => {
  const family = reply.source.includes(':') ? 6 : 4;
  return request(messages.get, flags.request, header(family), [
    [attributes.reply | nestedFlag, tupleOf(family, protocol, reply)],
  ]);
};

const keyOf = ({ family, original, protocol, zone }: Connection): readonly (Attribute | undefined)[] => [
  [attributes.original | nestedFlag, tupleOf(family, protocol, original)],
  zone === 0 ? undefined : [attributes.zone, u16(zone, 'network')],
];

function tupleOf(family: 4 | 6, protocol: number, tuple: ConnectionTuple): Uint8Array {
  const [source, destination] = family === 4 ? [1, 2] : [3, 4];
  const [id, type, code] = protocol === icmp6 ? [7, 8, 9] : [4, 5, 6];
  const address = nested([
    [source, addressBytes(tuple.source)],
    [destination, addressBytes(tuple.destination)],
  ]);
  const ports = nested([
    [1, u8(protocol)],
    optional(2, tuple.sourcePort, port => u16(port, 'network')),
    optional(3, tuple.destinationPort, port => u16(port, 'network')),
    optional(id, tuple.icmp?.id, value => u16(value, 'network')),
    optional(type, tuple.icmp?.type, u8),
    optional(code, tuple.icmp?.code, u8),
  ]);
  return nested([
    [tupleParts.address | nestedFlag, address],
    [tupleParts.protocol | nestedFlag, ports],
  ]);
}

function addressBytes(text: string): Uint8Array {
  const address = parseAddress(text);
  return address === undefined ? new Uint8Array(0) : bytesOf(address);
}

/** Undefined for what has no whole tuples. */
export function decodeConnection(body: Uint8Array): Connection | undefined {
  const found = decodeAttributes(body, 4);
  const original = decodeTuple(found.get(attributes.original));
  const reply = decodeTuple(found.get(attributes.reply));
  if (original === undefined || reply === undefined) return undefined;
  return {
    family: body[0] === 10 ? 6 : 4,
    protocol: original.protocol,
    zone: readU16(found.get(attributes.zone), 'network') ?? 0,
    original: original.tuple,
    reply: reply.tuple,
    mark: readU32(found.get(attributes.mark), 'network') ?? 0,
  };
}

/** CTA_TUPLE_ORIG or CTA_TUPLE_REPLY, wherever the kernel puts them. */
export const decodeConnectionTuple = (bytes: Uint8Array | undefined): ConnectionTuple | undefined =>
  decodeTuple(bytes)?.tuple;

function decodeTuple(
  bytes: Uint8Array | undefined,
): { readonly protocol: number; readonly tuple: ConnectionTuple } | undefined {
  if (bytes === undefined) return undefined;
  const parts = decodeAttributes(bytes, 0);
  const empty = new Uint8Array(0);
  const addresses = decodeAttributes(parts.get(tupleParts.address) ?? empty, 0);
  const fields = decodeAttributes(parts.get(tupleParts.protocol) ?? empty, 0);
  const source = textOf(addresses.get(1) ?? addresses.get(3));
  const destination = textOf(addresses.get(2) ?? addresses.get(4));
  const protocol = readU8(fields.get(1));
  if (source === undefined || destination === undefined || protocol === undefined) return undefined;
  const sourcePort = readU16(fields.get(2), 'network');
  const destinationPort = readU16(fields.get(3), 'network');
  const id = readU16(fields.get(protocol === icmp6 ? 7 : 4), 'network');
  const type = readU8(fields.get(protocol === icmp6 ? 8 : 5)) ?? 0;
  const code = readU8(fields.get(protocol === icmp6 ? 9 : 6)) ?? 0;
  const isIcmp = (protocol === icmp || protocol === icmp6) && id !== undefined;
  return {
    protocol,
    tuple: {
      source,
      destination,
      ...(sourcePort === undefined ? {} : { sourcePort }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
      ...(isIcmp ? { icmp: { id, type, code } } : {}),
    },
  };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  const address = bytes === undefined ? undefined : addressFromBytes(bytes);
  return address === undefined ? undefined : formatAddress(address);
}

export function matchesConnection(filter: ConnectionFilter, connection: Connection): boolean {
  const { family, protocol, zone, original, reply, addresses, mark } = filter;
  return (
    (family === undefined || family === connection.family) &&
    (protocol === undefined || protocol === connection.protocol) &&
    (zone === undefined || zone === connection.zone) &&
    (mark === undefined || (connection.mark & mark.mask) === mark.value) &&
    matchesTuple(original, connection.original) &&
    matchesTuple(reply, connection.reply) &&
    (addresses === undefined ||
      [connection.original, connection.reply].some(
        tuple => addresses.has(tuple.source) || addresses.has(tuple.destination),
      ))
  );
}

function matchesTuple(wanted: Partial<ConnectionTuple> | undefined, tuple: ConnectionTuple): boolean {
  return (
    wanted === undefined ||
    ((wanted.source ?? tuple.source) === tuple.source &&
      (wanted.destination ?? tuple.destination) === tuple.destination &&
      (wanted.sourcePort ?? tuple.sourcePort) === tuple.sourcePort &&
      (wanted.destinationPort ?? tuple.destinationPort) === tuple.destinationPort)
  );
}
