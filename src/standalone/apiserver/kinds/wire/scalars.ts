import type { Scalar } from '../schema/notation.ts';
import { canonicalQuantity } from '../text/quantity.ts';
import { formatTime } from '../text/time.ts';
import { BYTES, FIXED64, Reader, VARINT, badProtobuf, decodeText } from './reader.ts';

const YEAR_10000 = 253_402_300_800;
const YEAR_0 = -62_167_219_200;

/**
 * One scalar of the wire in its JSON form. Types with a JSON form of their own (Time, Quantity, IntOrString …) are
 * messages on the wire. Undefined for the zero time, which JSON writes as null.
 */
export function readScalar(reader: Reader, scalar: Scalar, wire: number): unknown {
  const expected = wireTypeOf(scalar);
  if (wire !== expected) throw badProtobuf(`wire type ${wire} for a field of type ${scalar}`);
  switch (scalar) {
    case 'string':
      return reader.text();
    case 'bool':
      return reader.varint() !== 0n;
    case 'int32':
      return Number(BigInt.asIntN(32, reader.varint()));
    case 'int64':
    case 'integer':
      return Number(BigInt.asIntN(64, reader.varint()));
    case 'double':
      return reader.double();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'quantity':
      return readQuantity(reader.message());
    case 'intOrString':
      return readIntOrString(reader.message());
    case 'time':
      return readTime(reader.message(), false);
    case 'microTime':
      return readTime(reader.message(), true);
    case 'raw':
    case 'fieldsV1':
      return readJson(reader.message());
    default:
      return scalar satisfies never;
  }
}

/** Scalars that may stand side by side in one length-delimited field (packed). */
export const isPackable = (scalar: Scalar): boolean => wireTypeOf(scalar) !== BYTES;

function wireTypeOf(scalar: Scalar): number {
  if (scalar === 'bool' || scalar === 'int32' || scalar === 'int64' || scalar === 'integer') return VARINT;
  return scalar === 'double' ? FIXED64 : BYTES;
}

/** resource.Quantity: `string` in field 1. */
function readQuantity(reader: Reader): string {
  let text = '';
  eachField(reader, (number, wire) => {
    if (number !== 1 || wire !== BYTES) return false;
    text = reader.text();
    return true;
  });
  const quantity = canonicalQuantity(text === '' ? '0' : text);
  if (quantity === undefined) throw badProtobuf(`${JSON.stringify(text.slice(0, 64))} is no quantity`);
  return quantity;
}

/** intstr.IntOrString: type in field 1 (0 number, 1 text), number in 2, text in 3. */
function readIntOrString(reader: Reader): number | string {
  let [type, number, text] = [0n, 0, ''];
  eachField(reader, (field, wire) => {
    if (field === 1 && wire === VARINT) type = reader.varint();
    else if (field === 2 && wire === VARINT) number = Number(BigInt.asIntN(32, reader.varint()));
    else if (field === 3 && wire === BYTES) text = reader.text();
    else return false;
    return true;
  });
  return type === 1n ? text : number;
}

/** Seconds in field 1, nanoseconds in 2; meta/v1 Time ignores the latter. An empty message is no time. */
function readTime(reader: Reader, micro: boolean): string | undefined {
  if (reader.done) return undefined;
  let [seconds, nanos] = [0, 0];
  eachField(reader, (number, wire) => {
    if (wire !== VARINT || number > 2) return false;
    const value = Number(BigInt.asIntN(64, reader.varint()));
    if (number === 1) seconds = value;
    else nanos = value;
    return true;
  });
  if (seconds < YEAR_0 || seconds >= YEAR_10000 || nanos < 0 || nanos >= 1e9)
    throw badProtobuf('a time out of range');
  const whole = formatTime(seconds * 1000);
  if (!micro) return whole;
  return `${whole.slice(0, -1)}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`;
}

/** JSON in field 1: RawExtension and FieldsV1. */
function readJson(reader: Reader): unknown {
  let text = '';
  eachField(reader, (number, wire) => {
    if (number !== 1 || wire !== BYTES) return false;
    text = decodeText(reader.bytes());
    return true;
  });
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw badProtobuf('embedded JSON does not parse', cause);
  }
}

function eachField(reader: Reader, read: (number: number, wire: number) => boolean): void {
  while (!reader.done) {
    const { number, wire } = reader.tag();
    if (!read(number, wire)) reader.skip(wire);
  }
}
