/** Addresses and prefixes of both families, with Kubernetes' strict parsing rules (no leading zeros, no zones). */

export type Family = 4 | 6;

/** `value` is the address as an unsigned integer of 32 or 128 bits. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A network: `value` has no host bits. */
export interface Prefix {
  readonly family: Family;
  readonly value: bigint;
  readonly length: number;
}

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** Undefined for anything but a canonical-form-able address: `1.2.3.4`, `2001:db8::1`, `::ffff:1.2.3.4`. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const value = parseV4(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const value = parseV6(text);
  return value === undefined ? undefined : { family: 6, value };
}

/** Undefined for a bad address, a bad length, or host bits that are set (`10.0.0.1/8`). */
export function parsePrefix(text: string): Prefix | undefined {
  const found = parseInterface(text);
  if (found === undefined || maskTo(found.address, found.length) !== found.address.value) return undefined;
  return { family: found.address.family, value: found.address.value, length: found.length };
}

/** An address with the length of its network, as an interface carries it: `10.0.0.1/8`. */
export function parseInterface(text: string): { address: Address; length: number } | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  return length > bitsOf(address.family) ? undefined : { address, length };
}

/** Dotted quad, or RFC 5952: lower case, the longest run of two or more zero groups (the first of equals) as `::`. */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    const value = Number(address.value);
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  const groups = groupsOf(address.value);
  if (address.value >> 32n === 0xffffn) {
    return `::ffff:${formatAddress({ family: 4, value: address.value & 0xffff_ffffn })}`;
  }
  const zeros = longestZeroRun(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':');
  return zeros.length < 2 ? hex(0, 8) : `${hex(0, zeros.start)}::${hex(zeros.start + zeros.length, 8)}`;
}

export const formatPrefix = (prefix: Prefix): string => `${formatAddress(prefix)}/${prefix.length}`;

export function prefixOf(address: Address, length: number): Prefix {
  return { family: address.family, value: maskTo(address, length), length };
}

export function contains(prefix: Prefix, address: Address): boolean {
  return prefix.family === address.family && maskTo(address, prefix.length) === prefix.value;
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.length <= b.length ? contains(a, b) : contains(b, a);
}

/** How many addresses a prefix has. */
export const sizeOf = (prefix: Prefix): bigint => 1n << BigInt(bitsOf(prefix.family) - prefix.length);

/** The address at `index` in the prefix; the caller keeps 0 <= index < sizeOf(prefix). */
export function addressAt(prefix: Prefix, index: bigint): Address {
  return { family: prefix.family, value: prefix.value + index };
}

/** The `index`-th part of `prefix` when it is cut into parts of `length` bits. */
export function subnetAt(prefix: Prefix, length: number, index: bigint): Prefix {
  const shift = BigInt(bitsOf(prefix.family) - length);
  return { family: prefix.family, value: prefix.value + (index << shift), length };
}

/** Network byte order, 4 or 16 bytes. */
export function bytesOf(address: Address): Uint8Array {
  const bytes = new Uint8Array(bitsOf(address.family) / 8);
  let rest = address.value;
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** The address in 4 or 16 bytes of network order; undefined for any other length. */
export function addressFromBytes(bytes: Uint8Array): Address | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

function maskTo(address: Address, length: number): bigint {
  const shift = BigInt(bitsOf(address.family) - length);
  return (address.value >> shift) << shift;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [before, after] = [
    parseGroups(halves[0] ?? '', halves.length === 1),
    parseGroups(halves[1] ?? '', true),
  ];
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array.from({ length: missing }, () => 0), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The 16-bit groups of one side of `::`; an embedded IPv4 address may stand last where `mayEndInV4`. */
function parseGroups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (mayEndInV4 && index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function groupsOf(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(16 * (7 - index))) & 0xffffn));
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index - start + 1 > best.length) best = { start, length: index - start + 1 };
  }
  return best;
}
