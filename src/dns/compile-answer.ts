import { schemaVersionTtl, soaRecord } from './compile-zone.ts';
import type { Zone } from './compile-zone.ts';
import type { NamedRecord } from './compile-names.ts';
import type { Decision } from './decide.ts';
import type { NameRules } from './model-rules.ts';
import { RecordWriter, keyOfName, limits, rcodes } from './wire/index.ts';
import type { NameKey, ResourceRecord } from './wire/index.ts';

/**
 * What goes behind the question, finished: names in it point into the question, whose name begins at octet 12, so it
 * fits behind any question for its name, whatever its letters' case.
 */
export interface CompiledAnswer {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly bytes: Buffer;
  /** Where each record ends, for cutting. */
  readonly ends: readonly number[];
  readonly answers: number;
  readonly authorities: number;
  readonly additional: number;
  /** RA, AD and TC as an upstream set them. */
  readonly bits?: number;
  /** Where the TTLs are, of an answer that is not ours and grows old. */
  readonly ttls?: readonly number[];
  /** The last answer is an alias of a name that others answer for, and are to be asked for. */
  readonly continues?: NameKey;
  /** Every answer is this long and for the question's own name, so that they may change places; 0: they may not. */
  readonly stride: number;
}

export interface AnswerContext {
  readonly rules: Pick<NameRules, 'ttl' | 'negativeTtl'>;
  readonly serial: number;
}

/** Octets of type and class behind a question's name. */
const questionTail = 4;
const pointerAndHead = 12;

/** Undefined for what is others' to answer. */
export function compileAnswer(
  decision: Decision,
  key: NameKey,
  context: AnswerContext,
): CompiledAnswer | undefined {
  switch (decision.outcome) {
    case 'elsewhere':
      return undefined;
    case 'refused':
      return bare(rcodes.REFUSED);
    case 'not-yet':
      return bare(rcodes.SERVFAIL);
    case 'no-name':
      return negative(decision, rcodes.NXDOMAIN, key, context);
    case 'no-data':
      return negative(decision, rcodes.NOERROR, key, context);
    case 'answer': {
      const { answers, additional, soa, continues } = decision;
      const soas = soa === undefined ? [] : [soaRecord(soa, context.rules.negativeTtl, context.serial)];
      const asRecord = recordsWith(context.rules.ttl);
      const sections = [[...answers.map(asRecord), ...soas], [], additional.map(asRecord)] as const;
      const written = { ...write(rcodes.NOERROR, key, sections), stride: strideOf(answers) };
      return continues === undefined ? written : { ...written, continues: keyOfName(continues) };
    }
  }
}

function negative(
  decision: { readonly zone: Zone; readonly answers: readonly NamedRecord[] },
  rcode: number,
  key: NameKey,
  context: AnswerContext,
): CompiledAnswer {
  const { zone, answers } = decision;
  const soa = soaRecord(zone, context.rules.negativeTtl, context.serial);
  // Without aliases it points at the zone alone, so that it fits every name of that length in the zone.
  const known = answers.length === 0 ? zone.key : key;
  return write(rcode, key, [answers.map(recordsWith(context.rules.ttl)), [soa], []], known);
}

function bare(rcode: number): CompiledAnswer {
  const nothing = { bytes: Buffer.alloc(0), ends: [], answers: 0, authorities: 0, additional: 0, stride: 0 };
  return { rcode, authoritative: false, ...nothing };
}

function write(
  rcode: number,
  key: NameKey,
  sections: readonly [readonly ResourceRecord[], readonly ResourceRecord[], readonly ResourceRecord[]],
  known: NameKey = key,
): CompiledAnswer {
  const start = limits.header + key.length + questionTail;
  const writer = new RecordWriter(start);
  writer.know(known, limits.header + key.length - known.length);
  const ends = sections.flat().map(record => {
    writer.record(record);
    return writer.end - start;
  });
  const [answers, authorities, additional] = sections;
  return {
    rcode,
    authoritative: true,
    bytes: writer.finish(),
    ends,
    answers: answers.length,
    authorities: authorities.length,
    additional: additional.length,
    stride: 0,
  };
}

/** Addresses of one name are all alike: a pointer, ten octets, the address. */
function strideOf(answers: readonly NamedRecord[]): number {
  const [first] = answers;
  if (first === undefined || answers.length < 2) return 0;
  const { name, data } = first;
  if (data.type !== 'A' && data.type !== 'AAAA') return 0;
  if (answers.some(other => other.data.type !== data.type || other.name !== name)) return 0;
  return pointerAndHead + (data.type === 'A' ? 4 : 16);
}

const recordsWith =
  (ttl: number) =>
  ({ name, data }: NamedRecord): ResourceRecord => ({
    name,
    ttl: data.type === 'TXT' ? schemaVersionTtl : ttl,
    data,
  });
