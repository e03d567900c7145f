/**
 * Netlink's frame (RFC 3549, <linux/netlink.h>): messages of a 16-byte header, a family header and attributes, all in
 * host order (little endian on every machine that Node 24 runs on) and aligned to 4 bytes. Reading never goes past the
 * bytes that there are: what is cut off is left out.
 */

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Family header and attributes. */
  readonly body: Uint8Array;
}

export type Attribute = readonly [type: number, value: Uint8Array];

const headerLength = 16;
const align = (length: number): number => (length + 3) & ~3;

export function encodeMessage(message: Message): Uint8Array {
  const bytes = new Uint8Array(align(headerLength + message.body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headerLength + message.body.length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  bytes.set(message.body, headerLength);
  return bytes;
}

export function decodeMessages(bytes: Uint8Array): readonly Message[] {
  const messages: Message[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + headerLength <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < headerLength || at + length > bytes.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + headerLength, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** A family header followed by attributes; undefined ones are left out. */
export function encodeBody(header: Uint8Array, attributes: readonly (Attribute | undefined)[]): Uint8Array {
  const present = attributes.filter(attribute => attribute !== undefined);
  const length = present.reduce((sum, [, value]) => sum + align(4 + value.length), align(header.length));
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  bytes.set(header);
  let at = align(header.length);
  for (const [type, value] of present) {
    view.setUint16(at, 4 + value.length, true);
    view.setUint16(at + 2, type, true);
    bytes.set(value, at + 4);
    at += align(4 + value.length);
  }
  return bytes;
}

/** By attribute type, without the flags for nesting and byte order; of a repeated attribute the last. */
export function decodeAttributes(bytes: Uint8Array, from: number): ReadonlyMap<number, Uint8Array> {
  return new Map(listAttributes(bytes, from));
}

export function listAttributes(bytes: Uint8Array, from: number): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const view = viewOf(bytes);
  for (let at = align(from); at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    attributes.push([view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + 4, at + length)]);
    at += align(length);
  }
  return attributes;
}

export const u8 = (value: number): Uint8Array => Uint8Array.of(value);

export function u16(value: number, order: 'host' | 'network' = 'host'): Uint8Array {
  const bytes = new Uint8Array(2);
  viewOf(bytes).setUint16(0, value, order === 'host');
  return bytes;
}

export function u32(value: number, order: 'host' | 'network' = 'host'): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, order === 'host');
  return bytes;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);

export const nested = (attributes: readonly (Attribute | undefined)[]): Uint8Array =>
  encodeBody(new Uint8Array(0), attributes);

/** The attribute, when its value is given. */
export function optional<T>(
  type: number,
  value: T | undefined,
  encode: (value: T) => Uint8Array,
): Attribute | undefined {
  return value === undefined ? undefined : [type, encode(value)];
}

export const readU8 = (bytes: Uint8Array | undefined): number | undefined => bytes?.[0];

export function readU16(
  bytes: Uint8Array | undefined,
  order: 'host' | 'network' = 'host',
): number | undefined {
  return bytes === undefined || bytes.length < 2 ? undefined : viewOf(bytes).getUint16(0, order === 'host');
}

export function readU32(
  bytes: Uint8Array | undefined,
  order: 'host' | 'network' = 'host',
): number | undefined {
  return bytes === undefined || bytes.length < 4 ? undefined : viewOf(bytes).getUint32(0, order === 'host');
}

export function readText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
