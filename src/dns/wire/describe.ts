import { addressFromBytes, formatAddress } from '../../base/ip.ts';
import { flags, limits, types } from './codes.ts';
import { encodeName, keyOfName, textOfName } from './name.ts';
import { readMessage } from './message.ts';
import type { RawRecord } from './message.ts';
import { typeName, typeNumber } from './type-names.ts';

/** An answer as people read it. */
export interface DescribedAnswer {
  /** The low four bits of the header: upper ones need EDNS, which is not sent. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isCut: boolean;
  readonly answers: readonly DescribedRecord[];
  readonly authorities: readonly DescribedRecord[];
}

export interface DescribedRecord {
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly type: string;
  readonly data: string;
}

/** A question as resolvers send it: recursion desired, no EDNS. Undefined for what is no name or no type. */
export function questionMessage(id: number, name: string, type: string): Buffer | undefined {
  const [wire, number] = [encodeName(name), typeNumber(type)];
  if (wire === undefined || number === undefined) return undefined;
  const message = Buffer.alloc(limits.header + wire.length + 4);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(flags.RD, 2);
  message.writeUInt16BE(1, 4);
  wire.copy(message, limits.header);
  message.writeUInt16BE(number, message.length - 4);
  message.writeUInt16BE(1, message.length - 2);
  return message;
}

/** Undefined for what is no answer to the question, octet for octet (RFC 5452 section 3), or cannot be read. */
export function describeAnswer(message: Buffer, question: Buffer): DescribedAnswer | undefined {
  const isAnswer =
    message.length >= question.length &&
    message.readUInt16BE(0) === question.readUInt16BE(0) &&
    (message.readUInt16BE(2) & flags.QR) !== 0 &&
    message.subarray(limits.header, question.length).equals(question.subarray(limits.header));
  const found = isAnswer ? readMessage(message, question.length) : undefined;
  if (found === undefined) return undefined;
  return {
    rcode: found.rcode,
    isAuthoritative: (found.flags & flags.AA) !== 0,
    isCut: (found.flags & flags.TC) !== 0,
    answers: found.answers.map(describe),
    authorities: found.authorities.map(describe),
  };
}

function describe({ name, ttl, type, data }: RawRecord): DescribedRecord {
  return { name: textOfName(name), ttl, type: typeName(type), data: dataText(type, data) };
}

function dataText(type: number, data: Buffer): string {
  switch (type) {
    case types.A:
    case types.AAAA: {
      const address = addressFromBytes(data);
      return address === undefined ? data.toString('hex') : formatAddress(address);
    }
    case types.NS:
    case types.CNAME:
    case types.PTR:
      return textOfName(data.toString('latin1'));
    case types.SRV:
      if (data.length < 7) return unknownText(data);
      return `${[0, 2, 4].map(at => data.readUInt16BE(at)).join(' ')} ${textOfName(data.toString('latin1', 6))}`;
    case types.SOA:
      return soaText(data);
    case types.TXT: {
      const texts: string[] = [];
      for (let at = 0; at < data.length; at += 1 + (data[at] ?? 0))
        texts.push(JSON.stringify(data.toString('utf8', at + 1, at + 1 + (data[at] ?? 0))));
      return texts.join(' ');
    }
    default:
      return unknownText(data);
  }
}

/** RFC 3597 section 5. */
const unknownText = (data: Buffer): string => `\\# ${data.length} ${data.toString('hex')}`;

/** Server, mailbox, then serial, refresh, retry, expire and minimum (RFC 1035 section 3.3.13); names are whole here. */
function soaText(data: Buffer): string {
  const text = data.toString('latin1');
  const second = nameEnd(text, 0);
  const numbers = nameEnd(text, second);
  if (data.length !== numbers + 20) return unknownText(data);
  const fields = [0, 4, 8, 12, 16].map(at => data.readUInt32BE(numbers + at));
  return [textOfName(text), textOfName(text.slice(second)), ...fields].join(' ');
}

function nameEnd(wire: string, start: number): number {
  let at = start;
  while (at < wire.length && wire.charCodeAt(at) !== 0) at += 1 + wire.charCodeAt(at);
  return at + 1;
}

/** A name as the model's key; undefined for what is none. */
export const keyOf = (name: string) => (encodeName(name) === undefined ? undefined : keyOfName(name));
