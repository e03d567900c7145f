import type { ClusterNames } from '../compile-cluster.ts';
import type { NamedRecord } from '../compile-names.ts';
import { schemaVersionTtl, soaRecord } from '../compile-zone.ts';
import type { Zone } from '../compile-zone.ts';
import { RecordWriter, flags, isWithin, limits } from '../wire/index.ts';
import type { Query, ResourceRecord } from '../wire/index.ts';

/** A message is finished once it has so many octets. */
const messageOctets = 16_384;

/** The whole zone in messages (RFC 5936): its SOA, everything, its SOA again. */
export function transferZone(
  message: Buffer,
  query: Query,
  names: ClusterNames,
  zone: Zone,
): readonly Buffer[] {
  const { ttl, negativeTtl } = names.rules;
  const soa = soaRecord(zone, negativeTtl, names.serial);
  const messages: Buffer[] = [];
  let page = new Page(message, query);
  const add = (record: ResourceRecord) => {
    page.add(record);
    if (page.length < messageOctets) return;
    messages.push(page.finish());
    page = new Page(message, query);
  };
  add(soa);
  for (const [key, { records }] of names.tree.entries()) {
    if (isWithin(key, zone.key)) for (const record of records) add(asRecord(record, ttl));
  }
  add(soa);
  if (!page.isEmpty) messages.push(page.finish());
  return messages;
}

const asRecord = ({ name, data }: NamedRecord, ttl: number): ResourceRecord => ({
  name,
  ttl: data.type === 'TXT' ? schemaVersionTtl : ttl,
  data,
});

class Page {
  readonly #head: Buffer;
  readonly #writer: RecordWriter;
  #count = 0;

  constructor(message: Buffer, query: Query) {
    this.#head = Buffer.from(message.subarray(0, query.questionEnd));
    this.#head.fill(0, 6, limits.header);
    this.#head.writeUInt16BE(flags.QR | flags.AA | (query.flags & flags.RD), 2);
    this.#writer = new RecordWriter(query.questionEnd);
    this.#writer.know(query.key, limits.header);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get length(): number {
    return this.#writer.end;
  }

  add(record: ResourceRecord): void {
    this.#writer.record(record);
    this.#count++;
  }

  finish(): Buffer {
    this.#head.writeUInt16BE(this.#count, 6);
    return Buffer.concat([this.#head, this.#writer.finish()]);
  }
}
