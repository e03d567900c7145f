/**
 * The distinguished encoding of ASN.1 (X.690), as far as certificates need it. Every function returns one element, or
 * reads one.
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export const sequence = (...parts: readonly Buffer[]): Buffer => element(TAG.sequence, ...parts);
export const set = (...parts: readonly Buffer[]): Buffer => element(TAG.set, ...parts);
export const octetString = (content: Buffer): Buffer => element(TAG.octetString, content);
export const utf8String = (text: string): Buffer => element(TAG.utf8String, Buffer.from(text));
export const yes = (): Buffer => element(TAG.boolean, Buffer.of(0xff));

/** `[number]`, context-specific: constructed around elements, or primitive with bare content. */
export const constructed = (number: number, ...parts: readonly Buffer[]): Buffer =>
  element(0xa0 | number, ...parts);
export const primitive = (number: number, content: Buffer): Buffer => element(0x80 | number, content);

/** Not negative: a leading bit that would say so is kept away by a zero byte. */
export function integer(magnitude: Buffer): Buffer {
  const significant = magnitude.subarray(
    Math.max(
      0,
      magnitude.findIndex(byte => byte !== 0),
    ),
  );
  const isNegative = ((significant[0] ?? 0) & 0x80) !== 0;
  return element(TAG.integer, isNegative ? Buffer.of(0) : Buffer.alloc(0), significant);
}

/** Whole bytes. */
export const bitString = (content: Buffer): Buffer => element(TAG.bitString, Buffer.of(0), content);

/** Bits of a named list, the first named bit highest; trailing zero bits are left away (X.690, 11.2.2). */
export function namedBits(byte: number): Buffer {
  const unused = byte === 0 ? 0 : 31 - Math.clz32(byte & -byte);
  return element(TAG.bitString, byte === 0 ? Buffer.of(0) : Buffer.of(unused, byte));
}

/** `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAG.objectIdentifier, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** Two-digit years until 2049, four-digit years from 2050 on (RFC 5280, 4.1.2.5). Milliseconds since the epoch. */
export function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/\.\d+/, '').replaceAll(/[-T:]/g, '');
  return Number(digits.slice(0, 4)) < 2050
    ? element(TAG.utcTime, Buffer.from(digits.slice(2)))
    : element(TAG.generalizedTime, Buffer.from(digits));
}

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length: as it stood. */
  readonly encoded: Buffer;
}

/** The elements that stand one after another in `bytes`. Throws a RangeError where they do not fill it. */
export function elementsOf(bytes: Buffer): readonly Element[] {
  const found: Element[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const first = bytes.readUInt8(offset + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(offset + 2, lengthBytes);
    const start = offset + 2 + lengthBytes;
    if (start + length > bytes.length) throw new RangeError('an element is longer than what it stands in');
    found.push({
      tag: bytes.readUInt8(offset),
      content: bytes.subarray(start, start + length),
      encoded: bytes.subarray(offset, start + length),
    });
    offset = start + length;
  }
  return found;
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = Buffer.from(
    length.toString(16).padStart(length > 0xff_ff ? 6 : length > 0xff ? 4 : 2, '0'),
    'hex',
  );
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

function base128(number: number): readonly number[] {
  const groups = [number & 0x7f];
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return groups;
}
