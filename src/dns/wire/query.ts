import { dnssecOk, flags, limits, opcodes, rcodes, types } from './codes.ts';
import { foldKey } from './name.ts';
import type { NameKey } from './name.ts';

/** A query that can be answered. Offsets are into the message. */
export interface Query {
  readonly kind: 'query';
  /** The header's second word. */
  readonly flags: number;
  readonly key: NameKey;
  readonly type: number;
  readonly class: number;
  /** Behind the question. */
  readonly questionEnd: number;
  readonly edns: Edns | undefined;
}

/** RFC 6891. */
export interface Edns {
  readonly version: number;
  /** What the client takes by UDP, in octets. */
  readonly size: number;
  readonly dnssecOk: boolean;
}

/** What is no query: nothing at all, or a header with this code. */
export type NoQuery =
  | { readonly kind: 'silence' }
  | { readonly kind: 'refusal'; readonly rcode: number; readonly flags: number };

const silence: NoQuery = { kind: 'silence' };
/** A query has at most this many records besides its question; more is work without a purpose. */
const mostRecords = 16;

/**
 * Reads a query. Silence for what is too short to be one and for answers, which would make two servers talk for ever;
 * NOTIMP for other operations; FORMERR for what is cut off, has more or fewer than one question, or a broken OPT.
 */
export function readQuery(message: Buffer, length: number): Query | NoQuery {
  if (length < limits.header) return silence;
  const word = message.readUInt16BE(2);
  if ((word & flags.QR) !== 0) return silence;
  const refusal = (rcode: number): NoQuery => ({ kind: 'refusal', rcode, flags: word });
  if (((word >> flags.opcodeShift) & 0xf) !== opcodes.QUERY) return refusal(rcodes.NOTIMP);
  if (message.readUInt16BE(4) !== 1) return refusal(rcodes.FORMERR);
  const nameEnd = endOfQuestionName(message, length);
  if (nameEnd === undefined || nameEnd + 4 > length) return refusal(rcodes.FORMERR);
  const questionEnd = nameEnd + 4;
  const others = message.readUInt16BE(6) + message.readUInt16BE(8);
  const additional = message.readUInt16BE(10);
  let edns: Edns | undefined;
  if (others + additional > 0) {
    const found = readOpt(message, length, questionEnd, others, additional);
    if (found === 'malformed') return refusal(rcodes.FORMERR);
    edns = found;
  }
  return {
    kind: 'query',
    flags: word,
    key: foldKey(message.toString('latin1', limits.header, nameEnd)),
    type: message.readUInt16BE(nameEnd),
    class: message.readUInt16BE(nameEnd + 2),
    questionEnd,
    edns,
  };
}

/** The question is first: it has nothing to point at. */
function endOfQuestionName(message: Buffer, length: number): number | undefined {
  let at: number = limits.header;
  for (;;) {
    if (at >= length) return undefined;
    const octet = message[at] ?? 0;
    if (octet === 0) return at + 1 - limits.header > limits.name ? undefined : at + 1;
    if (octet > limits.label) return undefined;
    at += octet + 1;
    if (at - limits.header >= limits.name) return undefined;
  }
}

/** Walks over the records behind the question; OPT is one, in the additional section, at the root. */
function readOpt(
  message: Buffer,
  length: number,
  start: number,
  others: number,
  additional: number,
): Edns | undefined | 'malformed' {
  if (others + additional > mostRecords) return 'malformed';
  let found: Edns | undefined;
  let at = start;
  for (let index = 0; index < others + additional; index++) {
    const isRoot = message[at] === 0;
    const nameEnd = skipName(message, at, length);
    if (nameEnd === undefined || nameEnd + 10 > length) return 'malformed';
    const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8);
    if (end > length) return 'malformed';
    if (message.readUInt16BE(nameEnd) === types.OPT) {
      if (found !== undefined || index < others || !isRoot) return 'malformed';
      if (!areOptions(message, nameEnd + 10, end)) return 'malformed';
      found = {
        size: message.readUInt16BE(nameEnd + 2),
        version: message[nameEnd + 5] ?? 0,
        dnssecOk: (message.readUInt16BE(nameEnd + 6) & dnssecOk) !== 0,
      };
    }
    at = end;
  }
  return found;
}

function areOptions(message: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at + 4 <= end) at += 4 + message.readUInt16BE(at + 2);
  return at === end;
}

function skipName(message: Buffer, start: number, length: number): number | undefined {
  let at = start;
  for (;;) {
    if (at >= length) return undefined;
    const octet = message[at] ?? 0;
    if (octet === 0) return at + 1;
    if (octet >= 0xc0) return at + 2 > length ? undefined : at + 2;
    if (octet > limits.label) return undefined;
    at += octet + 1;
  }
}
