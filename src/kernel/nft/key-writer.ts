import { encodeElementKey, protocolNumber } from './element-key.ts';

/** Writes the keys of one type of a set, or the values of a map, without making anything for each: tables are large. */
export interface KeyWriter {
  /** Bytes that one takes. */
  readonly length: number;
  /** As `encodeElementKey` of a set that is no interval; throws what it throws. */
  write(text: string, bytes: Uint8Array, at: number): void;
}

/** Undefined for types whose keys differ in length from the kernel's padding. */
export function keyWriterOf(type: string): KeyWriter | undefined {
  const parts = type.split(' . ').map(name => writers.get(name));
  const known = parts.filter(part => part !== undefined);
  if (known.length < parts.length || (known.length === 1 && known[0]?.isPadded === true)) return undefined;
  const length = known.reduce((sum, part) => sum + part.length, 0);
  return {
    length,
    write: (text, bytes, at) => {
      let from = 0;
      let to = at;
      let isWritten = true;
      for (const part of known) {
        const end = text.indexOf(separator, from);
        isWritten &&= part.write(text, from, end < 0 ? text.length : end, bytes, to);
        from = end < 0 ? text.length : end + separator.length;
        to += part.length;
      }
      // What is written in another way than usual, or wrong.
      if (!isWritten) bytes.set(encodeElementKey(type, text, false), at);
    },
  };
}

const separator = ' . ';

interface PartWriter {
  readonly length: number;
  /** The kernel's own length is shorter where it stands alone. */
  readonly isPadded: boolean;
  /** False for what it does not understand. */
  readonly write: (text: string, from: number, end: number, bytes: Uint8Array, at: number) => boolean;
}

const writers: ReadonlyMap<string, PartWriter> = new Map<string, PartWriter>([
  ['ipv4_addr', { length: 4, isPadded: false, write: writeIpv4 }],
  ['ipv6_addr', { length: 16, isPadded: false, write: writeIpv6 }],
  ['inet_proto', { length: 4, isPadded: true, write: writeProtocol }],
  ['inet_service', { length: 4, isPadded: true, write: writePort }],
  ['classid', { length: 4, isPadded: false, write: writeClass }],
]);

const dot = 46;
const colon = 58;

function writeIpv4(text: string, from: number, end: number, bytes: Uint8Array, at: number): boolean {
  let to = at;
  let start = from;
  for (let index = from; index <= end; index++) {
    if (index < end && text.charCodeAt(index) !== dot) continue;
    const value = decimal(text, start, index);
    if (value < 0 || value > 255 || index - start > 3 || to === at + 4) return false;
    bytes[to++] = value;
    start = index + 1;
  }
  return to === at + 4;
}

/** `fd00:10:96::a`: groups of hexadecimal digits, the longest run of zeros left out. */
function writeIpv6(text: string, from: number, end: number, bytes: Uint8Array, at: number): boolean {
  bytes.fill(0, at, at + 16);
  const gap = text.indexOf('::', from);
  const hasGap = gap >= 0 && gap < end;
  const head = writeGroups(text, from, hasGap ? gap : end, bytes, at);
  if (!hasGap) return head === 8;
  const tail = groupsIn(text, gap + 2, end);
  if (head < 0 || head + tail > 7) return false;
  return writeGroups(text, gap + 2, end, bytes, at + 16 - 2 * tail) === tail;
}

function groupsIn(text: string, from: number, end: number): number {
  if (from >= end) return 0;
  let count = 1;
  for (let index = from; index < end; index++) if (text.charCodeAt(index) === colon) count++;
  return count;
}

/** How many; -1 for what is none. */
function writeGroups(text: string, from: number, end: number, bytes: Uint8Array, at: number): number {
  if (from >= end) return 0;
  let count = 0;
  let start = from;
  for (let index = from; index <= end; index++) {
    if (index < end && text.charCodeAt(index) !== colon) continue;
    const value = hexadecimal(text, start, index);
    if (value < 0 || count === 8) return -1;
    bytes[at + 2 * count] = value >> 8;
    bytes[at + 2 * count + 1] = value & 255;
    count++;
    start = index + 1;
  }
  return count;
}

function writeProtocol(text: string, from: number, end: number, bytes: Uint8Array, at: number): boolean {
  const number = protocolNumber(text.slice(from, end));
  if (number === undefined) return false;
  bytes[at] = number;
  bytes.fill(0, at + 1, at + 4);
  return true;
}

function writePort(text: string, from: number, end: number, bytes: Uint8Array, at: number): boolean {
  const value = decimal(text, from, end);
  if (value < 0 || value > 65_535) return false;
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 255;
  bytes[at + 2] = 0;
  bytes[at + 3] = 0;
  return true;
}

/** `1:a`: both in hexadecimal, the host's order. */
function writeClass(text: string, from: number, end: number, bytes: Uint8Array, at: number): boolean {
  const middle = text.indexOf(':', from);
  if (middle < 0 || middle >= end) return false;
  const [major, minor] = [hexadecimal(text, from, middle), hexadecimal(text, middle + 1, end)];
  if (major < 0 || minor < 0) return false;
  bytes[at] = minor & 255;
  bytes[at + 1] = minor >> 8;
  bytes[at + 2] = major & 255;
  bytes[at + 3] = major >> 8;
  return true;
}

/** -1 for what is no number of at most five digits. */
function decimal(text: string, from: number, end: number): number {
  if (from >= end || end - from > 5) return -1;
  let value = 0;
  for (let index = from; index < end; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** -1 for what is no number of at most four lower-case digits. */
function hexadecimal(text: string, from: number, end: number): number {
  if (from >= end || end - from > 4) return -1;
  let value = 0;
  for (let index = from; index < end; index++) {
    const code = text.charCodeAt(index);
    const digit = code >= 97 ? code - 87 : code - 48;
    if (digit < 0 || digit > 15 || (code > 57 && code < 97)) return -1;
    value = value * 16 + digit;
  }
  return value;
}
