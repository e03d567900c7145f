import type { CompiledAnswer } from '../compile-answer.ts';
import type { ClusterNames } from '../compile-cluster.ts';
import { classes, dnssecOk, flags, limits, rcodes, readQuery, types } from '../wire/index.ts';
import type { Edns, NoQuery, Query } from '../wire/index.ts';

export type Transport = 'udp' | 'tcp';

/** What becomes of a message: an answer of so many octets, nothing, or others have to be asked. */
export type Outcome =
  | { readonly kind: 'answered'; readonly length: number; readonly rcode: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'forward'; readonly query: Query };

const optLength = 11;
const silence: Outcome = { kind: 'silence' };

/**
 * Answers a message from the cluster's names into `out`, which has room for what the transport carries. Malformed ones
 * get the code that the RFCs ask for; the question comes back octet for octet, letters' case included.
 */
export function answerQuery(
  names: ClusterNames,
  message: Buffer,
  length: number,
  out: Buffer,
  transport: Transport,
  random: () => number,
): Outcome {
  const query = readQuery(message, length);
  if (query.kind === 'silence') return silence;
  if (query.kind === 'refusal') return refuse(message, query, out);
  const rcode = refusalOf(query);
  if (rcode !== undefined) return answerWith(message, query, out, rcode);
  const answer = names.answer(query.key, query.type);
  if (answer === undefined) return { kind: 'forward', query };
  const room = roomFor(query.edns, transport, out);
  return writeAnswer(message, query, answer, out, room, random);
}

/** An answer without records, for a query that nobody could answer. */
export function answerWith(message: Buffer, query: Query, out: Buffer, rcode: number): Outcome {
  const end = writeHead(message, query, out);
  writeHeader(out, query.flags, rcode, 0, [0, 0, 0]);
  return answered(finishOpt(query.edns, out, end, rcode), rcode);
}

/** What the client takes, by its own word and by the transport. */
export function roomFor(edns: Edns | undefined, transport: Transport, out: Buffer): number {
  if (transport === 'tcp') return Math.min(limits.tcp, out.length);
  const size = edns === undefined ? limits.plainUdp : Math.max(edns.size, limits.plainUdp);
  return Math.min(size, limits.udp, out.length);
}

/** Another's answer as this client takes it: where it is too long, the question alone, cut (RFC 2181 section 9). */
export function shorten(answer: Buffer, query: Query, room: number): Buffer {
  if (answer.length <= room) return answer;
  const out = Buffer.alloc(limits.plainUdp);
  answer.copy(out, 0, 0, query.questionEnd);
  out.writeUInt16BE(answer.readUInt16BE(2) | flags.TC, 2);
  out.fill(0, 6, limits.header);
  return out.subarray(0, finishOpt(query.edns, out, query.questionEnd, rcodes.NOERROR));
}

function refusalOf(query: Query): number | undefined {
  if ((query.edns?.version ?? 0) > 0) return rcodes.BADVERS;
  if (query.type === types.OPT) return rcodes.FORMERR;
  return query.class === classes.IN ? undefined : rcodes.REFUSED;
}

/** A header is all of it that can be trusted. */
function refuse(
  message: Buffer,
  { rcode, flags: word }: Extract<NoQuery, { kind: 'refusal' }>,
  out: Buffer,
): Outcome {
  message.copy(out, 0, 0, 2);
  writeHeader(out, word, rcode, 0, [0, 0, 0]);
  out.writeUInt16BE(0, 4);
  return answered(limits.header, rcode);
}

function writeAnswer(
  message: Buffer,
  query: Query,
  answer: CompiledAnswer,
  out: Buffer,
  room: number,
  random: () => number,
): Outcome {
  const start = writeHead(message, query, out);
  const space = room - start - (query.edns === undefined ? 0 : optLength);
  const { bytes, stride, rcode } = answer;
  const fits = bytes.length <= space;
  if (fits && stride > 0) copyRotated(answer, out, start, random);
  else if (fits) bytes.copy(out, start);
  const kept = fits ? answer.ends.length : copyWhole(answer, out, start, space);
  const [answers, authorities] = [
    Math.min(kept, answer.answers),
    Math.min(Math.max(0, kept - answer.answers), answer.authorities),
  ];
  // What is additional may be missing without a word (RFC 2181 section 9).
  const isCut = kept < answer.answers + answer.authorities;
  const bits = (answer.authoritative ? flags.AA : 0) | (isCut ? flags.TC : 0);
  writeHeader(out, query.flags, rcode, bits, [answers, authorities, kept - answers - authorities]);
  const end = start + (kept === 0 ? 0 : (answer.ends[kept - 1] ?? 0));
  return answered(finishOpt(query.edns, out, end, rcode), rcode);
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

/** As many whole records as there is room for; how many. */
function copyWhole(answer: CompiledAnswer, out: Buffer, start: number, space: number): number {
  let kept = 0;
  while (kept < answer.ends.length && (answer.ends[kept] ?? 0) <= space) kept++;
  if (kept > 0) answer.bytes.copy(out, start, 0, answer.ends[kept - 1]);
  return kept;
}

/** The id and the question as they came; returns where records begin. */
function writeHead(message: Buffer, query: Query, out: Buffer): number {
  message.copy(out, 0, 0, 2);
  message.copy(out, limits.header, limits.header, query.questionEnd);
  out.writeUInt16BE(1, 4);
  return query.questionEnd;
}

function writeHeader(
  out: Buffer,
  word: number,
  rcode: number,
  bits: number,
  counts: readonly [number, number, number],
): void {
  const echoed = word & ((0xf << flags.opcodeShift) | flags.RD | flags.CD);
  out.writeUInt16BE(flags.QR | echoed | bits | (rcode & 0xf), 2);
  for (const [index, count] of counts.entries()) out.writeUInt16BE(count, 6 + 2 * index);
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

const answered = (length: number, rcode: number): Outcome => ({ kind: 'answered', length, rcode });
