import { addressAt, bytesOf, formatAddress, parseAddress, parsePrefix, sizeOf } from '../../base/ip.ts';
import { FairleadError } from '../../base/errors.ts';

/** IANA numbers, by the names that nft prints. */
const protocols: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
  ['ipv6-icmp', 58],
  ['sctp', 132],
]);

export const protocolNumber = (name: string): number | undefined => protocols.get(name);

/** As nft prints it: a name, or the number. */
export function protocolName(number: number): string {
  for (const [name, one] of protocols) if (one === number) return name;
  return String(number);
}

/**
 * The key of one element as the kernel stores it: of several parts, every one is padded to four bytes. `type` and `element` as nft writes
 * them (`mark . inet_proto . inet_service`, `7 . tcp . 80-90`); of an interval its lower end, by which it is found, or its upper one.
 * A set of intervals compares bytes, so that nft turns there what the host orders otherwise (marks).
 */
export function encodeElementKey(
  type: string,
  element: string,
  isInterval: boolean,
  end: 'lower' | 'upper' = 'lower',
): Uint8Array {
  const texts = element.split(' . ');
  const parts = type.split(' . ').map((name, index) => encodePart(name, texts[index] ?? '', isInterval, end));
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + aligned(part.length), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += aligned(part.length);
  }
  return bytes;
}

const aligned = (length: number): number => (length + 3) & ~3;

function encodePart(type: string, text: string, isInterval: boolean, end: 'lower' | 'upper'): Uint8Array {
  const from = end === 'lower' ? lowerEnd(text) : upperEnd(text);
  const refusal = () => new FairleadError('kernel/nft-element', `"${text}" cannot be read as ${type}`);
  const numbered = (length: 1 | 2 | 4, value: number, isLittle: boolean) => {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * length)) throw refusal();
    return numberBytes(length, value, isLittle);
  };
  switch (type) {
    case 'mark':
      return numbered(4, Number(from), !isInterval);
    case 'inet_service':
      return numbered(2, Number(from), false);
    case 'inet_proto':
      return numbered(1, protocols.get(from) ?? Number(from), false);
    case 'classid': {
      const [major = '', minor = ''] = from.split(':');
      return numbered(4, Number.parseInt(major, 16) * 0x1_0000 + Number.parseInt(minor, 16), !isInterval);
    }
    case 'ipv4_addr':
    case 'ipv6_addr': {
      const address = parseAddress(from);
      if (address !== undefined && `ipv${address.family}_addr` === type) return bytesOf(address);
      break;
    }
    default:
  }
  throw refusal();
}

/** `80-90` → `80`; `10.1.0.0/16` → `10.1.0.0` */
function lowerEnd(text: string): string {
  const [prefix = ''] = text.split('/');
  const [from = ''] = prefix.split('-');
  return from;
}

/** `80-90` → `90`; `10.1.0.0/16` → `10.1.255.255` */
function upperEnd(text: string): string {
  const at = text.indexOf('-', text.startsWith('ipv6-') ? 'ipv6-'.length : 0);
  if (at >= 0) return text.slice(at + 1);
  if (!text.includes('/')) return text;
  const prefix = parsePrefix(text);
  return prefix === undefined ? text : formatAddress(addressAt(prefix, sizeOf(prefix) - 1n));
}

function numberBytes(length: 1 | 2 | 4, value: number, isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  if (length === 1) view.setUint8(0, value);
  else if (length === 2) view.setUint16(0, value, isLittle);
  else view.setUint32(0, value, isLittle);
  return bytes;
}
