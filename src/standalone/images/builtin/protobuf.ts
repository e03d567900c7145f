/** As much of protobuf's encoding as two small services need: strings, messages and small numbers. */

/** A string field; an empty one is left out, as proto3 has it. */
export function stringField(number: number, text: string): Buffer {
  return text === '' ? Buffer.alloc(0) : messageField(number, Buffer.from(text));
}

/** A field of an embedded message (or bytes), also when it is empty. */
export function messageField(number: number, message: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(message.length), message]);
}

/** A number or enum field; 0 is left out. */
export function numberField(number: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(number << 3), varint(value)]);
}

/** The string of field `wanted`, '' when it is not there. Throws for bytes that are no message. */
export function readString(message: Buffer, wanted: number): string {
  let found = '';
  for (let at = 0; at < message.length;) {
    const key = readVarint(message, at);
    at = key.next;
    const length = lengthOf(message, key.value & 7, at);
    if (length.start + length.size > message.length) throw new Error('the message is cut off');
    if (key.value >>> 3 === wanted && (key.value & 7) === 2)
      found = message.toString('utf8', length.start, length.start + length.size);
    at = length.start + length.size;
  }
  return found;
}

function lengthOf(
  message: Buffer,
  type: number,
  at: number,
): { readonly start: number; readonly size: number } {
  switch (type) {
    case 0:
      return { start: at, size: readVarint(message, at).next - at };
    case 1:
      return { start: at, size: 8 };
    case 2: {
      const { value, next } = readVarint(message, at);
      return { start: next, size: value };
    }
    case 5:
      return { start: at, size: 4 };
    default:
      throw new Error(`the message has a field of the unknown type ${type}`);
  }
}

function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = start; at < Math.min(bytes.length, start + 10); at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, next: at + 1 };
  }
  throw new Error('the message is cut off in a number');
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
