import { FairleadError } from '../../base/errors.ts';
import {
  addressFromBytes,
  bitsOf,
  bytesOf,
  formatAddress,
  parseAddress,
  parseInterface,
  parsePrefix,
} from '../../base/ip.ts';
import type { Address, Family, Prefix } from '../../base/ip.ts';

/** Values of rtnetlink between people's notation and bytes. Encoding refuses what is no such value. */

export const familyNumber = (family: Family): number => (family === 4 ? 2 : 10);
export const bridgeFamily = 7;

export function familyOf(number: number | undefined): Family | undefined {
  if (number === 2) return 4;
  return number === 10 ? 6 : undefined;
}

export function requireAddress(text: string): Address {
  return parseAddress(text) ?? refuse(text, 'an IP address');
}

export function requirePrefix(text: string): Prefix {
  return parsePrefix(text) ?? refuse(text, 'a prefix without host bits');
}

export function requireInterfaceAddress(text: string): {
  readonly address: Address;
  readonly length: number;
} {
  return parseInterface(text) ?? refuse(text, 'an address with a prefix length');
}

export const encodeAddress = (text: string): Uint8Array => bytesOf(requireAddress(text));

export function decodeAddress(bytes: Uint8Array | undefined): string | undefined {
  const address = bytes === undefined ? undefined : addressFromBytes(bytes);
  return address === undefined ? undefined : formatAddress(address);
}

/** `10.0.0.0/8`; without bytes the default prefix of the family. Undefined for bytes or a length that do not fit. */
export function decodePrefix(
  bytes: Uint8Array | undefined,
  family: Family,
  length: number,
): string | undefined {
  if (length > bitsOf(family)) return undefined;
  if (bytes === undefined) return length === 0 ? (family === 4 ? '0.0.0.0/0' : '::/0') : undefined;
  const address = decodeAddress(bytes);
  return address === undefined || bytes.length * 8 !== bitsOf(family) ? undefined : `${address}/${length}`;
}

export function encodeMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) refuse(text, 'a MAC address');
  return Uint8Array.from(text.split(':'), byte => Number.parseInt(byte, 16));
}

export function decodeMac(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 6) return undefined;
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':');
}

/** The kernel's limit (IFNAMSIZ) with what it refuses in names. */
export function requireName(name: string): string {
  const bytes = new TextEncoder().encode(name).length;
  const isName = bytes > 0 && bytes <= 15 && !/[/:\s\0]/.test(name) && name !== '.' && name !== '..';
  return isName ? name : refuse(name, 'a name for a network interface (1 to 15 bytes)');
}

export function refuse(value: string, what: string): never {
  throw new FairleadError('kernel/netlink-value', `"${value}" is not ${what}`);
}
