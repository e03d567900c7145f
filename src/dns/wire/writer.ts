import { FairleadError } from '../../base/errors.ts';
import { bytesOf } from '../../base/ip.ts';
import { classes, limits, types } from './codes.ts';
import { encodeName, foldKey, parentKey } from './name.ts';
import type { NameKey } from './name.ts';
import type { RecordData, ResourceRecord } from './record.ts';

/** A pointer has fourteen bits. */
const furthestPointer = 0x3fff;

/**
 * Writes records with compressed names. It begins behind a header and the question's name, at which the names may point:
 * offsets are those of the whole message.
 */
export class RecordWriter {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;
  readonly #start: number;
  readonly #seen = new Map<NameKey, number>();

  constructor(start: number) {
    this.#start = start;
  }

  /** Tells of a name that stands in the message already. */
  know(name: NameKey, offset: number): void {
    let at = offset;
    for (let rest = name; rest.length > 1; rest = parentKey(rest)) {
      if (at <= furthestPointer && !this.#seen.has(rest)) this.#seen.set(rest, at);
      at += rest.charCodeAt(0) + 1;
    }
  }

  get end(): number {
    return this.#start + this.#length;
  }

  /** What was written, without the part before `start`. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  record(record: ResourceRecord): void {
    this.#name(record.name, true);
    this.#uint16(types[record.data.type]);
    this.#uint16(classes.IN);
    this.#uint32(record.ttl);
    const lengthAt = this.#length;
    this.#uint16(0);
    this.#data(record.data);
    const length = this.#length - lengthAt - 2;
    if (length > 0xffff) throw tooLong(record);
    this.#bytes.writeUInt16BE(length, lengthAt);
  }

  #data(data: RecordData): void {
    switch (data.type) {
      case 'A':
      case 'AAAA':
        this.#octets(bytesOf(data.address));
        break;
      case 'PTR':
      case 'CNAME':
      case 'NS':
        this.#name(data.target, true);
        break;
      case 'TXT':
        for (const text of data.strings) {
          const octets = Buffer.from(text, 'utf8').subarray(0, 255);
          this.#octets([octets.length, ...octets]);
        }
        break;
      case 'SRV':
        for (const number of [data.priority, data.weight, data.port]) this.#uint16(number);
        this.#name(data.target, false); // RFC 2782: never compressed
        break;
      case 'SOA':
        this.#name(data.nameServer, true);
        this.#name(data.mailbox, true);
        for (const number of [data.serial, data.refresh, data.retry, data.expire, data.minimum])
          this.#uint32(number);
        break;
    }
  }

  #name(text: string, compress: boolean): void {
    const wire = encodeName(text);
    if (wire === undefined) throw new FairleadError('dns/bad-name', `"${text}" is not a domain name`);
    let at = 0;
    let key = foldKey(wire.toString('latin1'));
    while (key.length > 1) {
      const seen = compress ? this.#seen.get(key) : undefined;
      if (seen !== undefined) {
        this.#uint16(0xc000 | seen);
        return;
      }
      if (this.end <= furthestPointer && !this.#seen.has(key)) this.#seen.set(key, this.end);
      const next = at + (wire[at] ?? 0) + 1;
      this.#octets(wire.subarray(at, next));
      at = next;
      key = parentKey(key);
    }
    this.#octets([0]);
  }

  #uint16(value: number): void {
    this.#octets([value >>> 8, value & 0xff]);
  }

  #uint32(value: number): void {
    this.#octets([(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]);
  }

  #octets(octets: ArrayLike<number>): void {
    const needed = this.#length + octets.length;
    if (needed > this.#bytes.length) {
      const longer = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      longer.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = longer;
    }
    this.#bytes.set(octets, this.#length);
    this.#length = needed;
  }
}

const tooLong = (record: ResourceRecord): FairleadError =>
  new FairleadError('dns/record-too-long', `The ${record.data.type} record of ${record.name} is too long`, {
    hint: `A record holds at most ${limits.tcp} octets`,
  });
