/** What protobuf's encoding has of messages (protobuf.dev/programming-guides/encoding): strings, octets and whole numbers. */
const varint = 0;
const fixed64 = 1;
const delimited = 2;
const fixed32 = 5;

/** A field whose value is a text, octets, or a message. */
export function bytesField(number: number, value: string | Uint8Array): Buffer {
  const octets = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varintOf((number << 3) | delimited), varintOf(octets.length), octets]);
}

/** A field whose value is a whole number from 0 up to 2^53. */
export const numberField = (number: number, value: number): Buffer =>
  Buffer.concat([varintOf((number << 3) | varint), varintOf(value)]);

function varintOf(value: number): Buffer {
  const octets: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    octets.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...octets, rest]);
}

export interface ProtobufField {
  readonly number: number;
  /** Of a number; 0 for others. */
  readonly value: number;
  /** Of texts, octets and messages; empty for others. */
  readonly octets: Buffer;
}

/** The fields of a message in their order; undefined for what is none. */
export function readMessage(bytes: Buffer): readonly ProtobufField[] | undefined {
  const fields: ProtobufField[] = [];
  let at = 0;
  const nothing = Buffer.alloc(0);
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    if (tag === undefined || tag.value < 8 || tag.value > 0xff_ff_ff_ff) return undefined;
    const number = Math.floor(tag.value / 8);
    at = tag.end;
    switch (tag.value % 8) {
      case varint: {
        const read = readVarint(bytes, at);
        if (read === undefined) return undefined;
        fields.push({ number, value: read.value, octets: nothing });
        at = read.end;
        break;
      }
      case delimited: {
        const read = readVarint(bytes, at);
        if (read === undefined || read.value > bytes.length - read.end) return undefined;
        at = read.end + read.value;
        fields.push({ number, value: 0, octets: bytes.subarray(read.end, at) });
        break;
      }
      case fixed64:
        at += 8;
        break;
      case fixed32:
        at += 4;
        break;
      default:
        return undefined;
    }
  }
  return at === bytes.length ? fields : undefined;
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const octet = bytes[start + index];
    if (octet === undefined) return undefined;
    value += (octet & 0x7f) * 2 ** (7 * index);
    if (octet < 0x80) return { value, end: start + index + 1 };
  }
  return undefined;
}
