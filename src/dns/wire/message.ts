import { limits, types } from './codes.ts';
import { foldKey, parentKey } from './name.ts';
import type { NameKey } from './name.ts';

/** A record of somebody else's message, with names written out, so that it can stand in any other message. */
export interface RawRecord {
  /** Wire form, letters as they came, one character an octet. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds; what is above 31 bits is none (RFC 2181 section 8). */
  readonly ttl: number;
  readonly data: Buffer;
}

export interface RawMessage {
  /** The header's second word. */
  readonly flags: number;
  /** With OPT's upper bits. */
  readonly rcode: number;
  readonly answers: readonly RawRecord[];
  readonly authorities: readonly RawRecord[];
  /** Without OPT. */
  readonly additional: readonly RawRecord[];
}

/** More records than any honest answer of 64 KiB that clients can use. */
const mostRecords = 4096;
const recordHead = 10;

/**
 * Reads an answer with one question that ends at `questionEnd`. Undefined for what is cut off, points forwards or in a
 * circle, or has more records than any answer needs.
 */
export function readMessage(message: Buffer, questionEnd: number): RawMessage | undefined {
  if (message.length < questionEnd) return undefined;
  const word = message.readUInt16BE(2);
  const counts = [6, 8, 10].map(at => message.readUInt16BE(at));
  if (counts.reduce((sum, count) => sum + count, 0) > mostRecords) return undefined;
  const sections: RawRecord[][] = [];
  let rcode = word & 0xf;
  let at = questionEnd;
  for (const count of counts) {
    const section: RawRecord[] = [];
    for (let index = 0; index < count; index++) {
      const found = readRecord(message, at);
      if (found === undefined) return undefined;
      at = found.end;
      if (found.record.type === types.OPT) rcode |= (found.record.ttl >>> 24) << 4;
      else section.push(found.record);
    }
    sections.push(section);
  }
  const [answers = [], authorities = [], additional = []] = sections;
  return { flags: word, rcode, answers, authorities, additional };
}

function readRecord(message: Buffer, start: number): { record: RawRecord; end: number } | undefined {
  const name = readName(message, start, message.length);
  if (name === undefined || name.end + recordHead > message.length) return undefined;
  const type = message.readUInt16BE(name.end);
  const dataAt = name.end + recordHead;
  const end = dataAt + message.readUInt16BE(name.end + 8);
  if (end > message.length) return undefined;
  const data = readData(message, type, dataAt, end);
  if (data === undefined) return undefined;
  const ttl = message.readUInt32BE(name.end + 4);
  const isOpt = type === types.OPT;
  return {
    record: {
      name: name.wire,
      type,
      class: message.readUInt16BE(name.end + 2),
      ttl: !isOpt && ttl > 0x7fff_ffff ? 0 : ttl,
      data,
    },
    end,
  };
}

/** How many octets stand before the first name of the data, and how many names follow, for types that may compress (RFC 3597 section 4). */
const namesInData: Readonly<Record<number, readonly [before: number, names: number]>> = {
  [types.NS]: [0, 1],
  3: [0, 1],
  4: [0, 1],
  [types.CNAME]: [0, 1],
  [types.SOA]: [0, 2],
  7: [0, 1],
  8: [0, 1],
  9: [0, 1],
  [types.PTR]: [0, 1],
  14: [0, 2],
  15: [2, 1],
  17: [0, 2],
  18: [2, 1],
  21: [2, 1],
  26: [2, 2],
  [types.SRV]: [6, 1],
  36: [2, 1],
  39: [0, 1],
};

function readData(message: Buffer, type: number, start: number, end: number): Buffer | undefined {
  const form = namesInData[type];
  if (form === undefined || start === end) return Buffer.from(message.subarray(start, end));
  const [before, names] = form;
  let at = start + before;
  const parts = [message.subarray(start, at)];
  for (let index = 0; index < names; index++) {
    const name = readName(message, at, end);
    if (name === undefined) return undefined;
    parts.push(Buffer.from(name.wire, 'latin1'));
    at = name.end;
  }
  parts.push(message.subarray(at, end));
  return at > end ? undefined : Buffer.concat(parts);
}

/** Pointers only lead backwards, so that they come to an end. */
function readName(
  message: Buffer,
  start: number,
  stop: number,
): { readonly wire: string; readonly end: number } | undefined {
  let wire = '';
  let at = start;
  let bound = start;
  let end: number | undefined;
  for (;;) {
    const octet = at < (end === undefined ? stop : message.length) ? message[at] : undefined;
    if (octet === undefined) return undefined;
    if (octet >= 0xc0) {
      if (at + 2 > message.length) return undefined;
      end ??= at + 2;
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= bound) return undefined;
      at = target;
      bound = target;
      continue;
    }
    if (octet > limits.label || at + 1 + octet > message.length) return undefined;
    wire += message.toString('latin1', at, at + 1 + octet);
    if (wire.length > limits.name) return undefined;
    at += octet + 1;
    if (octet === 0) return { wire, end: end ?? at };
  }
}

/** A body behind a question, as `CompiledAnswer` has it. */
export interface WrittenRecords {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  /** Where the TTLs are. */
  readonly ttls: readonly number[];
}

/** Writes records behind a question for `key`; owners are compressed, names in data stay as they are. */
export function writeRecords(key: NameKey, records: readonly RawRecord[]): WrittenRecords {
  const start = limits.header + key.length + 4;
  const seen = new Map<NameKey, number>();
  let offset: number = limits.header;
  for (let rest = key; rest.length > 1; rest = parentKey(rest)) {
    seen.set(rest, offset);
    offset += rest.charCodeAt(0) + 1;
  }
  const parts: Buffer[] = [];
  const [ends, ttls]: [number[], number[]] = [[], []];
  let length = 0;
  for (const record of records) {
    const name = compress(record.name, seen, start + length);
    const head = Buffer.alloc(recordHead);
    head.writeUInt16BE(record.type, 0);
    head.writeUInt16BE(record.class, 2);
    head.writeUInt32BE(record.ttl, 4);
    head.writeUInt16BE(record.data.length, 8);
    ttls.push(length + name.length + 4);
    parts.push(name, head, record.data);
    length += name.length + recordHead + record.data.length;
    ends.push(length);
  }
  return { bytes: Buffer.concat(parts), ends, ttls };
}

function compress(wire: string, seen: Map<NameKey, number>, at: number): Buffer {
  let [rest, from] = [foldKey(wire), 0];
  while (rest.length > 1) {
    const known = seen.get(rest);
    if (known !== undefined) {
      const head = Buffer.from(wire.slice(0, from), 'latin1');
      return Buffer.concat([head, Buffer.from([0xc0 | (known >> 8), known & 0xff])]);
    }
    if (at + from <= 0x3fff) seen.set(rest, at + from);
    from += rest.charCodeAt(0) + 1;
    rest = parentKey(rest);
  }
  return Buffer.from(wire, 'latin1');
}
