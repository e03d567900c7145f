import { addressFromBytes, formatAddress } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import { protocolName } from '../nft/element-key.ts';
import { keyReaderOf } from '../nft/key-reader.ts';
import { decodeAttributes, listAttributes, readText, readU32, text, viewOf } from './wire.ts';
import { flags, request } from './request.ts';
import type { Request } from './request.ts';

/** How the elements of a set or map are to be read: types as nft declares them, `ipv4_addr . inet_service`. */
export interface ElementTypes {
  readonly key: string;
  /** Of a map: a type, or `verdict`. */
  readonly value?: string;
  /** Keys may be ranges: what the host orders otherwise stands turned in them, so that bytes compare. */
  readonly isInterval?: boolean;
}

/** <linux/netfilter/nf_tables.h> */
const getElements = 0x0a0d;
const inet = Uint8Array.of(1, 0, 0, 0);
const elementList = { table: 1, set: 2, elements: 3 } as const;
const element = { key: 1, data: 2, keyEnd: 10 } as const;
const data = { value: 1, verdict: 2 } as const;
const verdict = { code: 1, chain: 2 } as const;
const verdicts: Readonly<Record<number, string>> = { 0: 'drop', 1: 'accept', [-3]: 'jump', [-4]: 'goto' };

/** All elements of one set or map. */
export function encodeElementsDump(table: string, set: string): Request {
  return request(getElements, flags.request | flags.dump, inet, [
    [elementList.table, text(table)],
    [elementList.set, text(set)],
  ]);
}

/** Key and value of each, as nft writes them; the value of a set's element is empty. */
export type DecodeElements = (body: Uint8Array) => readonly (readonly [string, string])[];

export function elementDecoder(types: ElementTypes): DecodeElements {
  const key = types.isInterval === true ? undefined : keyReaderOf(types.key);
  const isVerdict = types.value === 'verdict';
  const value = types.value === undefined || isVerdict ? undefined : keyReaderOf(types.value);
  if (key === undefined || (types.value !== undefined && !isVerdict && value === undefined))
    return body => decodeAny(body, types);
  const verdicts = new Map<string, string>();
  const verdictOf = (bytes: Uint8Array): string => {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const found = verdicts.get(name) ?? formatData(types.value, bytes);
    verdicts.set(name, found);
    return found;
  };
  return body => {
    const list = decodeAttributes(body, 4).get(elementList.elements);
    if (list === undefined) return [];
    const found: (readonly [string, string])[] = [];
    for (const [, bytes] of listAttributes(list, 0)) {
      const view = viewOf(bytes);
      const keyAt = find(view, element.key, 0, bytes.length);
      const innerAt = keyAt < 0 ? -1 : find(view, data.value, keyAt + 4, keyAt + view.getUint16(keyAt, true));
      // What is cut off, of another length than its type, or a range: read with care.
      if (innerAt < 0 || view.getUint16(innerAt, true) !== 4 + key.length) return decodeAny(body, types);
      if (find(view, element.keyEnd, 0, bytes.length) >= 0) return decodeAny(body, types);
      const dataAt = types.value === undefined ? -1 : find(view, element.data, 0, bytes.length);
      if (dataAt < 0) {
        found.push([key.read(bytes, innerAt + 4), '']);
        continue;
      }
      const end = dataAt + view.getUint16(dataAt, true);
      const valueAt = value === undefined ? -1 : find(view, data.value, dataAt + 4, end);
      if (value !== undefined && (valueAt < 0 || view.getUint16(valueAt, true) < 4 + value.length))
        return decodeAny(body, types);
      const leadsTo =
        value === undefined ? verdictOf(bytes.subarray(dataAt + 4, end)) : value.read(bytes, valueAt + 4);
      found.push([key.read(bytes, innerAt + 4), leadsTo]);
    }
    return found;
  };
}

/** Where the attribute begins, between two places; -1 where there is none, or it is cut off. */
function find(view: DataView, type: number, from: number, end: number): number {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return -1;
    if ((view.getUint16(at + 2, true) & 0x3fff) === type) return at;
    at += (length + 3) & ~3;
  }
  return -1;
}

function decodeAny(body: Uint8Array, types: ElementTypes): ReturnType<DecodeElements> {
  const list = decodeAttributes(body, 4).get(elementList.elements);
  if (list === undefined) return [];
  const keyTypes = types.key.split(' . ');
  return listAttributes(list, 0).flatMap(([, bytes]) => {
    const fields = decodeAttributes(bytes, 0);
    const key = valueIn(fields.get(element.key));
    if (key === undefined) return [];
    const end = valueIn(fields.get(element.keyEnd));
    const isInterval = types.isInterval === true;
    return [
      [formatKey(keyTypes, key, end, isInterval), formatData(types.value, fields.get(element.data))] as const,
    ];
  });
}

const valueIn = (bytes: Uint8Array | undefined): Uint8Array | undefined =>
  bytes === undefined ? undefined : decodeAttributes(bytes, 0).get(data.value);

function formatData(type: string | undefined, bytes: Uint8Array | undefined): string {
  if (type === undefined || bytes === undefined) return '';
  if (type !== 'verdict') {
    const value = valueIn(bytes);
    return value === undefined ? '' : formatKey(type.split(' . '), value, undefined, false);
  }
  const found = decodeAttributes(bytes, 0).get(data.verdict);
  const fields = decodeAttributes(found ?? new Uint8Array(0), 0);
  const code = readU32(fields.get(verdict.code), 'network');
  const word = code === undefined ? undefined : verdicts[code | 0]; // as a signed number
  const chain = readText(fields.get(verdict.chain));
  return chain === undefined ? (word ?? '') : `${word ?? ''} ${chain}`;
}

/** Every part is padded to four bytes; with an end, parts may be ranges. */
function formatKey(
  types: readonly string[],
  from: Uint8Array,
  to: Uint8Array | undefined,
  isInterval: boolean,
): string {
  let at = 0;
  return types
    .map(type => {
      const length = lengths[type] ?? 4;
      const first = from.subarray(at, at + length);
      const last = to?.subarray(at, at + length) ?? first;
      at += (length + 3) & ~3;
      return formatRange(type, first, last, isInterval);
    })
    .join(' . ');
}

const lengths: Readonly<Record<string, number>> = {
  ipv4_addr: 4,
  ipv6_addr: 16,
  inet_proto: 1,
  inet_service: 2,
  classid: 4,
  mark: 4,
};

function formatRange(type: string, from: Uint8Array, to: Uint8Array, isInterval: boolean): string {
  const [first, last] = [formatPart(type, from, isInterval), formatPart(type, to, isInterval)];
  if (first === last) return first;
  const [low, high] = [addressFromBytes(from), addressFromBytes(to)];
  const length =
    type.endsWith('_addr') && low !== undefined && high !== undefined ? prefixLength(low, high) : undefined;
  return length === undefined ? `${first}-${last}` : `${first}/${length}`;
}

/** Of the network from one address to another; undefined where these are no network's. */
function prefixLength(low: Address, high: Address): number | undefined {
  const size = high.value - low.value + 1n;
  if ((size & (size - 1n)) !== 0n || low.value % size !== 0n) return undefined;
  return (low.family === 4 ? 32 : 128) - (size.toString(2).length - 1);
}

function formatPart(type: string, bytes: Uint8Array, isInterval: boolean): string {
  switch (type) {
    case 'ipv4_addr':
    case 'ipv6_addr': {
      const address = addressFromBytes(bytes);
      return address === undefined ? '' : formatAddress(address);
    }
    case 'inet_proto':
      return protocolName(bytes[0] ?? 0);
    case 'inet_service':
      return bytes.length < 2 ? '' : String(viewOf(bytes).getUint16(0, false));
    case 'classid': {
      const number = readU32(bytes) ?? 0;
      return `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
    }
    default:
      return String(readU32(bytes, isInterval ? 'network' : 'host') ?? '');
  }
}
