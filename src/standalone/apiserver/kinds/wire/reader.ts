import { FairleadError } from '../../../../base/errors.ts';

/** Wire types of the protobuf encoding; groups (3 and 4) are not in use. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

export const badProtobuf = (what: string, cause?: unknown): FairleadError =>
  new FairleadError('api/bad-protobuf', `the protobuf body is broken: ${what}`, { cause });

/** Reads fields of one message from `bytes`; whatever they hold, it ends or throws `api/bad-protobuf`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Number and wire type of the next field. */
  tag(): { number: number; wire: number } {
    const tag = Number(this.varint());
    const number = Math.floor(tag / 8);
    if (number < 1 || number > 0x1fff_ffff) throw badProtobuf(`field number ${number}`);
    return { number, wire: tag % 8 };
  }

  /** An unsigned number of up to 64 bits. */
  varint(): bigint {
    let low = 0;
    // Numbers of up to 28 bits are nearly all there are: no bigint is made for them until the end.
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 127) << shift;
      if (byte < 128) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw badProtobuf('a number of more than ten bytes');
  }

  double(): number {
    const start = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /** A length-delimited field's content, without a copy. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A reader of the message in the next field. */
  message(): Reader {
    const length = this.#length();
    const start = this.#take(length);
    return new Reader(this.#bytes, start, start + length);
  }

  text(): string {
    return decodeText(this.bytes());
  }

  skip(wire: number): void {
    switch (wire) {
      case VARINT:
        this.varint();
        return;
      case FIXED64:
        this.#take(8);
        return;
      case BYTES:
        this.#take(this.#length());
        return;
      case FIXED32:
        this.#take(4);
        return;
      default:
        throw badProtobuf(`wire type ${wire}`);
    }
  }

  #length(): number {
    return Number(this.varint());
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw badProtobuf('it ends within a field');
    this.#at = start + length;
    return start;
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined;
    if (byte === undefined) throw badProtobuf('it ends within a number');
    return byte;
  }
}

export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw badProtobuf('a text is not UTF-8', cause);
  }
}
