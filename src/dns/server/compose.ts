import type { CompiledAnswer } from '../compile-answer.ts';
import { foldKey, limits, types } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { readMessage, writeRecords } from '../wire/message.ts';
import type { RawMessage, RawRecord } from '../wire/message.ts';
import type { Reply } from './reply.ts';

/** The records of a finished answer to a question for `key`. */
export function recordsOf(key: NameKey, answer: CompiledAnswer): RawMessage {
  const questionEnd = limits.header + key.length + 4;
  const message = Buffer.alloc(questionEnd + answer.bytes.length);
  message.write(key, limits.header, 'latin1');
  for (const [index, count] of [answer.answers, answer.authorities, answer.additional].entries())
    message.writeUInt16BE(count, 6 + 2 * index);
  answer.bytes.copy(message, questionEnd);
  return (
    readMessage(message, questionEnd) ?? { flags: 0, rcode: 0, answers: [], authorities: [], additional: [] }
  );
}

/** Our aliases with what others say of the name that they lead to; the code is that of the last one (RFC 6604). */
export function joinAliases(key: NameKey, aliases: CompiledAnswer, target: NameKey, reply: Reply): Reply {
  const ours = recordsOf(key, aliases);
  const theirs = recordsOf(target, reply.answer);
  const old = (records: readonly RawRecord[]) =>
    records.map(record => ({ ...record, ttl: Math.max(0, record.ttl - Math.min(reply.age, record.ttl)) }));
  const answers = [...ours.answers, ...old(theirs.answers)];
  const [authorities, additional] = [old(theirs.authorities), old(theirs.additional)];
  return remade(key, reply, answers, authorities, additional, true);
}

/** An answer to a question that was rewritten, as one to the question as it came: the other name's records are its own. */
export function renamed(key: NameKey, asked: NameKey, reply: Reply): Reply {
  const found = recordsOf(asked, reply.answer);
  const back = (records: readonly RawRecord[]) =>
    records.map(record => ({
      ...record,
      name: foldKey(record.name) === asked ? key : record.name,
      ttl:
        reply.answer.ttls === undefined
          ? record.ttl
          : Math.max(0, record.ttl - Math.min(reply.age, record.ttl)),
    }));
  return remade(
    key,
    reply,
    back(found.answers),
    back(found.authorities),
    back(found.additional),
    reply.answer.authoritative,
  );
}

function remade(
  key: NameKey,
  reply: Reply,
  answers: readonly RawRecord[],
  authorities: readonly RawRecord[],
  additional: readonly RawRecord[],
  authoritative: boolean,
): Reply {
  const { bytes, ends } = writeRecords(key, [...answers, ...authorities, ...additional]);
  const { rcode, bits = 0 } = reply.answer;
  const answer: CompiledAnswer = {
    rcode,
    authoritative,
    bits,
    bytes,
    ends,
    answers: answers.length,
    authorities: authorities.length,
    additional: additional.length,
    stride: 0,
  };
  return { answer, age: 0, by: reply.by };
}

/** The names that a chain of aliases leads over, the question's first, and the addresses of the last: nobody else's. */
export function addressesOf(
  key: NameKey,
  reply: Reply,
): { readonly chain: readonly NameKey[]; readonly addresses: readonly RawRecord[] } {
  const { answers } = recordsOf(key, reply.answer);
  const aliases = new Map(
    answers
      .filter(({ type }) => type === types.CNAME)
      .map(({ name, data }) => [foldKey(name), foldKey(data.toString('latin1'))]),
  );
  const chain = [key];
  for (let last = aliases.get(key); last !== undefined; last = aliases.get(last)) {
    if (chain.includes(last) || chain.length > longestChain) break;
    chain.push(last);
  }
  const end = chain.at(-1);
  return {
    chain,
    addresses: answers.filter(
      ({ name, type, data }) => data.length === addressLengths[type] && foldKey(name) === end,
    ),
  };
}

const longestChain = 16;
/** Octets by type; one of another length is no address. */
const addressLengths: Readonly<Record<number, number>> = { [types.A]: 4, [types.AAAA]: 16 };
