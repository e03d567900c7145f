import { dnssecOk, flags, limits, rcodes, types } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';

/** What an upstream is asked. */
export interface UpstreamQuestion {
  readonly key: NameKey;
  readonly type: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  readonly dnssecOk: boolean;
}

const optLength = 11;

/**
 * A query of our own for a client's question: what the client sent besides (cookies, a subnet, padding) is between it
 * and us. With `random`, letters are in random case (draft-vixie-dnsext-dns0x20).
 */
export function upstreamQuery(
  question: UpstreamQuestion,
  options: { readonly edns: boolean; readonly random?: () => number },
): Buffer {
  const { key } = question;
  const end = limits.header + key.length + 4;
  const message = Buffer.alloc(end + (options.edns ? optLength : 0));
  const bits = (question.recursionDesired ? flags.RD : 0) | (question.checkingDisabled ? flags.CD : 0);
  message.writeUInt16BE(bits, 2);
  message.writeUInt16BE(1, 4);
  message.write(key, limits.header, 'latin1');
  if (options.random !== undefined) mixCase(message, limits.header, end - 4, options.random);
  message.writeUInt16BE(question.type, end - 4);
  message.writeUInt16BE(1, end - 2);
  if (!options.edns) return message;
  message.writeUInt16BE(1, 10);
  message.writeUInt16BE(types.OPT, end + 1);
  message.writeUInt16BE(limits.udp, end + 3);
  message.writeUInt16BE(question.dnssecOk ? dnssecOk : 0, end + 7);
  return message;
}

function mixCase(message: Buffer, start: number, end: number, random: () => number): void {
  for (let at = start; at < end; at++) {
    const octet = message[at] ?? 0;
    if (octet >= 0x61 && octet <= 0x7a && random() < 0.5) message[at] = octet - 0x20;
  }
}

export const questionEndOf = (question: UpstreamQuestion): number => limits.header + question.key.length + 4;

/** The same id and, octet for octet, the same question (RFC 5452 section 3). */
export function isAnswerTo(answer: Buffer, asked: Buffer, questionEnd: number): boolean {
  if (answer.length < limits.header || answer.readUInt16BE(0) !== asked.readUInt16BE(0)) return false;
  const word = answer.readUInt16BE(2);
  if ((word & flags.QR) === 0 || ((word >> flags.opcodeShift) & 0xf) !== 0) return false;
  // A server that understood nothing of it need not repeat the question (RFC 6891 section 7).
  if (answer.length === limits.header && answer.readUInt16BE(4) === 0)
    return (word & 0xf) === rcodes.FORMERR || (word & 0xf) === rcodes.NOTIMP;
  return (
    answer.length >= questionEnd &&
    answer.readUInt16BE(4) === 1 &&
    answer.subarray(limits.header, questionEnd).equals(asked.subarray(limits.header, questionEnd))
  );
}
