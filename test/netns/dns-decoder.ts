import { Reader } from './dns-reader.ts';

/** A decoder of its own for what the server writes: it shares no code with it, and refuses what is not exact. */

export interface DecodedRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** As people write it: `10.96.0.1`, `0 100 80 web.default.svc.cluster.local`. */
  readonly data: string;
}

export interface DecodedMessage {
  readonly id: number;
  readonly flags: readonly ('aa' | 'tc' | 'rd' | 'ra' | 'ad' | 'cd')[];
  readonly opcode: number;
  /** With OPT's upper bits. */
  readonly rcode: string;
  /** The name with its letters as they came, and the type's number. */
  readonly question: readonly { readonly name: string; readonly type: number; readonly class: number }[];
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
  readonly additional: readonly DecodedRecord[];
  readonly edns?: { readonly size: number; readonly version: number; readonly dnssecOk: boolean };
}

export const typeNumbers: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
};
const typeNames = new Map(Object.entries(typeNumbers).map(([name, number]) => [number, name]));
const codeNames: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};

/** Throws for anything that is not exactly one message: bytes left over, pointers forwards, lengths that disagree. */
export function decodeMessage(bytes: Buffer): DecodedMessage {
  const reader = new Reader(bytes);
  const [id, word, ...counts] = Array.from({ length: 6 }, () => reader.number(2)) as [
    number,
    number,
    ...number[],
  ];
  if ((word & 0x8000) === 0) throw new Error('this is no answer');
  const [questions = 0, answers = 0, authorities = 0, additional = 0] = counts;
  const question = Array.from({ length: questions }, () => ({
    name: reader.name(),
    type: reader.number(2),
    class: reader.number(2),
  }));
  const section = (count: number) => Array.from({ length: count }, () => record(reader));
  const found = { answers: section(answers), authorities: section(authorities), all: section(additional) };
  if (!reader.isAtEnd) throw new Error(`${bytes.length - reader.at} octets are left over`);
  const opt = found.all.filter(each => each.type === 'OPT');
  if (opt.length > 1) throw new Error('more than one OPT');
  const [only] = opt;
  const upper = only === undefined ? 0 : only.ttl >>> 24;
  const bits = { aa: 0x400, tc: 0x200, rd: 0x100, ra: 0x80, ad: 0x20, cd: 0x10 } as const;
  const code = upper * 16 + (word & 0xf);
  return {
    id,
    flags: (['aa', 'tc', 'rd', 'ra', 'ad', 'cd'] as const).filter(flag => (word & bits[flag]) !== 0),
    opcode: (word >> 11) & 0xf,
    rcode: codeNames[code] ?? String(code),
    question,
    answers: found.answers,
    authorities: found.authorities,
    additional: found.all.filter(each => each.type !== 'OPT'),
    ...(only === undefined
      ? {}
      : {
          edns: {
            size: only.class,
            version: (only.ttl >>> 16) & 0xff,
            dnssecOk: (only.ttl & 0x8000) !== 0,
          },
        }),
  };
}

function record(reader: Reader): DecodedRecord & { readonly class: number } {
  const name = reader.name();
  const type = typeNames.get(reader.number(2)) ?? '?';
  const recordClass = reader.number(2);
  const ttl = reader.number(4);
  const end = reader.number(2) + reader.at;
  const data = dataOf(reader, type, end);
  if (reader.at !== end) throw new Error(`the data of ${type} ${name} is not as long as it says`);
  return { name, type, ttl, data, class: recordClass };
}

function dataOf(reader: Reader, type: string, end: number): string {
  switch (type) {
    case 'A':
      return Array.from({ length: 4 }, () => reader.number(1)).join('.');
    case 'AAAA':
      return Array.from({ length: 8 }, () => reader.number(2).toString(16)).join(':');
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return reader.name();
    case 'SRV':
      return [reader.number(2), reader.number(2), reader.number(2), reader.plainName()].join(' ');
    case 'SOA':
      return [reader.name(), reader.name(), ...Array.from({ length: 5 }, () => reader.number(4))].join(' ');
    case 'TXT': {
      const texts: string[] = [];
      while (reader.at < end) texts.push(reader.octets(reader.number(1)).toString());
      return texts.join(' ');
    }
    default:
      return reader.octets(end - reader.at).toString('hex');
  }
}
