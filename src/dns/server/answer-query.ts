import type { CompiledAnswer } from '../compile-answer.ts';
import { dnssecOk, flags, limits, rcodes, types } from '../wire/index.ts';
import type { Edns, NoQuery, Query } from '../wire/index.ts';

export type Transport = 'udp' | 'tcp';

/** Of an OPT record without options. */
export const optLength = 11;
/** Up to here a loop is faster than a call. */
const shortCopy = 96;

/** What the client takes, by its own word, by the transport, and by `largest` octets of UDP. */
export function roomFor(edns: Edns | undefined, transport: Transport, out: Buffer, largest: number): number {
  if (transport === 'tcp') return Math.min(limits.tcp, out.length);
  const size = edns === undefined ? limits.plainUdp : Math.max(edns.size, limits.plainUdp);
  return Math.min(size, largest, out.length);
}

/** The code of a question that nobody is asked about; undefined for one that can be answered. */
export function refusalOf(query: Query): number | undefined {
  if ((query.edns?.version ?? 0) > 0) return rcodes.BADVERS;
  if (query.type === types.OPT) return rcodes.FORMERR;
  return query.class === 1 ? undefined : rcodes.REFUSED;
}

/** A header is all of it that can be trusted. Returns the answer's length. */
export function writeRefusal(
  message: Buffer,
  { rcode, flags: word }: Extract<NoQuery, { kind: 'refusal' }>,
  out: Buffer,
): number {
  message.copy(out, 0, 0, 2);
  writeHeader(out, word, rcode, 0, 0, 0, 0);
  out.writeUInt16BE(0, 4);
  return limits.header;
}

/**
 * Writes an answer behind the question as it came, octet for octet, letters' case included, into at most `room` octets of
 * `out`. `age`: seconds by which its TTLs are less. Returns its length.
 */
export function writeAnswer(
  message: Buffer,
  query: Query,
  answer: CompiledAnswer,
  out: Buffer,
  room: number,
  random: () => number,
  age = 0,
): number {
  const start = query.questionEnd;
  out[0] = message[0] ?? 0;
  out[1] = message[1] ?? 0;
  // Octet by octet: for so few, setting up a copy takes longer.
  for (let at = limits.header; at < start; at++) out[at] = message[at] ?? 0;
  out[4] = 0;
  out[5] = 1;
  const { bytes, stride, rcode, ends } = answer;
  const space = room - start - (query.edns === undefined ? 0 : optLength);
  const fits = bytes.length <= space;
  if (!fits) return writeCut(query, answer, out, space, age);
  if (stride > 0) copyRotated(answer, out, start, random);
  else if (bytes.length > shortCopy) bytes.copy(out, start);
  else for (let at = 0; at < bytes.length; at++) out[start + at] = bytes[at] ?? 0;
  if (age > 0 && answer.ttls !== undefined) growOld(out, start, answer.ttls, ends.length, age);
  const bits = (answer.authoritative ? flags.AA : 0) | passedBits(answer, query);
  writeHeader(out, query.flags, rcode, bits, answer.answers, answer.authorities, answer.additional);
  return finishOpt(query.edns, out, start + bytes.length, rcode);
}

/** As many whole records as there is room for. */
function writeCut(query: Query, answer: CompiledAnswer, out: Buffer, space: number, age: number): number {
  const start = query.questionEnd;
  let kept = 0;
  while (kept < answer.ends.length && (answer.ends[kept] ?? 0) <= space) kept++;
  const length = kept === 0 ? 0 : (answer.ends[kept - 1] ?? 0);
  answer.bytes.copy(out, start, 0, length);
  if (answer.ttls !== undefined) growOld(out, start, answer.ttls, kept, age);
  const answers = Math.min(kept, answer.answers);
  const authorities = Math.min(kept - answers, answer.authorities);
  // What is additional may be missing without a word (RFC 2181 section 9).
  const isCut = kept < answer.answers + answer.authorities;
  const bits = (answer.authoritative ? flags.AA : 0) | passedBits(answer, query) | (isCut ? flags.TC : 0);
  writeHeader(out, query.flags, answer.rcode, bits, answers, authorities, kept - answers - authorities);
  return finishOpt(query.edns, out, start + length, answer.rcode);
}

/** That an upstream found it signed is for those who ask for it (RFC 6840 section 5.8). */
function passedBits({ bits = 0 }: CompiledAnswer, { flags: word, edns }: Query): number {
  return (word & flags.AD) !== 0 || edns?.dnssecOk === true ? bits : bits & ~flags.AD;
}

function growOld(out: Buffer, start: number, ttls: readonly number[], count: number, age: number): void {
  for (let index = 0; index < count; index++) {
    const at = start + (ttls[index] ?? 0);
    out.writeUInt32BE(Math.max(0, out.readUInt32BE(at) - Math.min(age, 0x7fff_ffff)), at);
  }
}

/** Addresses in an order that begins anywhere: clients take the first. */
function copyRotated(answer: CompiledAnswer, out: Buffer, start: number, random: () => number): void {
  const { bytes, stride, answers } = answer;
  const length = stride * answers;
  const from = Math.floor(random() * answers) * stride;
  bytes.copy(out, start, from, length);
  bytes.copy(out, start + length - from, 0, from);
  bytes.copy(out, start + length, length);
}

const echoed = (0xf << flags.opcodeShift) | flags.RD | flags.CD;

function writeHeader(
  out: Buffer,
  word: number,
  rcode: number,
  bits: number,
  answers: number,
  authorities: number,
  additional: number,
): void {
  const flagWord = flags.QR | (word & echoed) | bits | (rcode & 0xf);
  out[2] = flagWord >> 8;
  out[3] = flagWord & 0xff;
  out[6] = answers >> 8;
  out[7] = answers & 0xff;
  out[8] = authorities >> 8;
  out[9] = authorities & 0xff;
  out[10] = additional >> 8;
  out[11] = additional & 0xff;
}

/** OPT answers OPT, and nothing else (RFC 6891 section 7). */
function finishOpt(edns: Edns | undefined, out: Buffer, end: number, rcode: number): number {
  if (edns === undefined) return end;
  out[end] = 0;
  out.writeUInt16BE(types.OPT, end + 1);
  out.writeUInt16BE(limits.udp, end + 3);
  out[end + 5] = rcode >>> 4;
  out[end + 6] = 0;
  out.writeUInt16BE(edns.dnssecOk ? dnssecOk : 0, end + 7);
  out.writeUInt16BE(0, end + 9);
  out.writeUInt16BE(out.readUInt16BE(10) + 1, 10);
  return end + optLength;
}
