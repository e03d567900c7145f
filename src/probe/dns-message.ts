import { addressFromBytes, formatAddress } from '../base/ip.ts';

/** RFC 1035 section 3.2.2, RFC 3596. */
const typeNumbers = { A: 1, CNAME: 5, AAAA: 28 } as const;
const rcodeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;
const headerLength = 12;
const longestLabel = 63;
/** Names that point to names that point: a circle ends here. */
const mostPointers = 64;

export type QuestionType = 'A' | 'AAAA';

export interface AnswerRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME';
  readonly value: string;
}

export interface DnsAnswer {
  readonly rcode: string;
  /** Of the types that lead to addresses. */
  readonly records: readonly AnswerRecord[];
}

/** A question as resolvers send it: recursion desired, no EDNS. */
export function encodeQuestion(id: number, name: string, type: QuestionType): Buffer {
  const labels = name === '' ? [] : name.replace(/\.$/, '').split('.');
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  const tail = Buffer.from([0, 0, typeNumbers[type], 0, 1]);
  const parts = labels.flatMap(label => {
    const bytes = Buffer.from(label.slice(0, longestLabel), 'latin1');
    return [Buffer.from([bytes.length]), bytes];
  });
  return Buffer.concat([header, ...parts, tail]);
}

/** Undefined for what is no answer to the question, octet for octet (RFC 5452 section 3), or is cut off. */
export function decodeAnswer(message: Buffer, question: Buffer): DnsAnswer | undefined {
  const isAnswer =
    message.length >= question.length &&
    message.readUInt16BE(0) === question.readUInt16BE(0) &&
    ((message[2] ?? 0) & 0x80) !== 0 &&
    message.readUInt16BE(4) === 1 &&
    message.subarray(headerLength, question.length).equals(question.subarray(headerLength));
  if (!isAnswer) return undefined;
  const code = (message[3] ?? 0) & 0xf;
  const records: AnswerRecord[] = [];
  let at = question.length;
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    const owner = readName(message, at);
    if (owner === undefined || owner.end + 10 > message.length) return undefined;
    const start = owner.end + 10;
    const end = start + message.readUInt16BE(owner.end + 8);
    if (end > message.length) return undefined;
    const record = readRecord(message, owner.name, message.readUInt16BE(owner.end), start, end);
    if (record !== undefined) records.push(record);
    at = end;
  }
  return { rcode: rcodeNames[code] ?? String(code), records };
}

function readRecord(
  message: Buffer,
  name: string,
  type: number,
  start: number,
  end: number,
): AnswerRecord | undefined {
  if (type === typeNumbers.CNAME) {
    const target = readName(message, start);
    return target === undefined ? undefined : { name, type: 'CNAME', value: target.name };
  }
  const address = addressFromBytes(message.subarray(start, end));
  if (address === undefined) return undefined;
  if (type === typeNumbers.A && address.family === 4)
    return { name, type: 'A', value: formatAddress(address) };
  if (type === typeNumbers.AAAA && address.family === 6)
    return { name, type: 'AAAA', value: formatAddress(address) };
  return undefined;
}

/** RFC 1035 section 4.1.4; pointers lead backwards only. */
function readName(
  message: Buffer,
  start: number,
): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  for (let pointers = 0; pointers < mostPointers;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (message[at + 1] ?? 0);
      if (target >= at) return undefined;
      end ??= at + 2;
      at = target;
      pointers++;
    } else {
      if (length > longestLabel || labels.length > 127) return undefined;
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
  return undefined;
}
