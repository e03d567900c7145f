import { formatAddress } from '../../base/ip.ts';
import { protocolName } from './element-key.ts';

/** Reads the keys of one type of a set, or the values of a map, without making much for each: tables are large. */
export interface KeyReader {
  /** Bytes that one takes. */
  readonly length: number;
  /** As nft writes it; `bytes` has to have `length` of them from `at`. */
  read(bytes: Uint8Array, at: number): string;
}

/** Undefined for types that have to be read part by part; a set of it must not be an interval. */
export function keyReaderOf(type: string): KeyReader | undefined {
  const parts = type.split(' . ').map(name => readers.get(name));
  const known = parts.filter(part => part !== undefined);
  const [first, ...more] = known;
  if (first === undefined || known.length < parts.length) return undefined;
  if (more.length === 0) return first.isPadded ? undefined : first;
  return {
    length: known.reduce((sum, part) => sum + part.length, 0),
    read: (bytes, at) => {
      let text = first.read(bytes, at);
      let from = at + first.length;
      for (const part of more) {
        text += ` . ${part.read(bytes, from)}`;
        from += part.length;
      }
      return text;
    },
  };
}

interface PartReader extends KeyReader {
  /** The kernel's own length is shorter where it stands alone. */
  readonly isPadded: boolean;
}

const readers: ReadonlyMap<string, PartReader> = new Map<string, PartReader>([
  ['ipv4_addr', { length: 4, isPadded: false, read: readIpv4 }],
  ['ipv6_addr', { length: 16, isPadded: false, read: readIpv6 }],
  ['inet_proto', { length: 4, isPadded: true, read: (bytes, at) => protocolName(bytes[at] ?? 0) }],
  ['inet_service', { length: 4, isPadded: true, read: (bytes, at) => String(upper16(bytes, at)) }],
  ['classid', { length: 4, isPadded: false, read: readClass }],
]);

function readIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function readIpv6(bytes: Uint8Array, at: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16);
  return formatAddress({ family: 6, value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) });
}

/** Major and minor number, as the host orders them. */
function readClass(bytes: Uint8Array, at: number): string {
  const minor = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  const major = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8);
  return `${major.toString(16)}:${minor.toString(16)}`;
}

const upper16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
