import type { Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import { isOmitted } from '../schema/normalise.ts';
import type { Field, ObjectType, Shape } from '../schema/notation.ts';
import type { Types } from '../schema/types.ts';
import { BYTES, Reader, badProtobuf } from './reader.ts';
import { isPackable, readScalar } from './scalars.ts';

/** What a body may unfold to: a message of two bytes becomes an object of many. */
const MOST_VALUES = 1_000_000;
const DEEPEST = 64;

/** `k8s\0`, which begins every protobuf body of Kubernetes. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

export function isProtobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/**
 * The object in a protobuf body, in the JSON form that Go would give it: zero values left out as `omitempty` does,
 * bytes in base64, times as text. The body is `k8s\0` and a runtime.Unknown; unknown fields are skipped.
 * Throws FairleadError `api/bad-protobuf`. We read the wire ourselves: the tables already say all that a protobuf
 * library would have to be told, and its objects would need a second walk to become JSON as Kubernetes writes it.
 */
export function decodeObject(types: Types, bytes: Uint8Array): Fields {
  if (!isProtobuf(bytes)) throw badProtobuf('it does not begin with "k8s" and a zero byte');
  const envelope = readEnvelope(new Reader(bytes, MAGIC.length));
  const type = typeOf(types, envelope.apiVersion, envelope.kind);
  const object: Record<string, unknown> = { apiVersion: envelope.apiVersion, kind: envelope.kind };
  new Decoder(types).message(new Reader(envelope.raw), type, object, 0);
  return object;
}

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** runtime.Unknown: TypeMeta {apiVersion 1, kind 2} in field 1, the object in field 2, its encoding in 3. */
function readEnvelope(reader: Reader): Envelope {
  let [apiVersion, kind, encoding] = ['', '', ''];
  let raw = new Uint8Array();
  while (!reader.done) {
    const { number, wire } = reader.tag();
    if (wire !== BYTES) reader.skip(wire);
    else if (number === 1) {
      const meta = reader.message();
      while (!meta.done) {
        const field = meta.tag();
        if (field.wire === BYTES && field.number === 1) apiVersion = meta.text();
        else if (field.wire === BYTES && field.number === 2) kind = meta.text();
        else meta.skip(field.wire);
      }
    } else if (number === 2) raw = reader.bytes() as Uint8Array<ArrayBuffer>;
    else if (number === 3) encoding = reader.text();
    else reader.skip(wire);
  }
  if (kind === '') throw badProtobuf('it names no kind');
  if (encoding !== '') throw badProtobuf(`content encoding ${JSON.stringify(encoding.slice(0, 64))}`);
  return { apiVersion, kind, raw };
}

/** The type of `kind`; DeleteOptions and the like are in every group version. */
function typeOf(types: Types, apiVersion: string, kind: string): ObjectType {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  if (/^\w+$/.test(kind)) {
    const own = types.groups
      .filter(
        candidate => candidate.group === group && candidate.version === version && candidate.alias !== 'meta',
      )
      .map(candidate => types.find(candidate.prefix + kind))
      .find(type => type?.kind === 'own');
    const meta = types.groups.find(candidate => candidate.alias === 'meta');
    const shared = meta === undefined ? undefined : types.find(meta.prefix + kind);
    const type = own ?? (shared?.kind === 'no' ? undefined : shared);
    if (type !== undefined) return type;
  }
  throw badProtobuf(
    `no kind ${JSON.stringify(kind.slice(0, 64))} in version ${JSON.stringify(apiVersion.slice(0, 64))}`,
  );
}

class Decoder {
  readonly #types: Types;
  #values = 0;

  constructor(types: Types) {
    this.#types = types;
  }

  /** Reads a message into `object`; a field that comes again merges into what is there, as protobuf has it. */
  message(reader: Reader, type: ObjectType, object: Record<string, unknown>, depth: number): void {
    if (depth > DEEPEST) throw badProtobuf('it is nested too deeply');
    while (!reader.done) {
      const { number, wire } = reader.tag();
      const found = type.wire.get(number);
      if (found === undefined) reader.skip(wire);
      else if ('included' in found) {
        expectBytes(wire, found.included);
        this.message(reader.message(), this.#types.get(found.included), object, depth + 1);
      } else this.#field(reader, wire, found, object, depth);
    }
  }

  #field(reader: Reader, wire: number, field: Field, object: Record<string, unknown>, depth: number): void {
    const { shape } = field;
    if (shape.is === 'list') {
      const list = (object[field.name] ??= []) as unknown[];
      this.#items(reader, wire, shape.of, list, depth);
      return;
    }
    if (shape.is === 'map') {
      expectBytes(wire, field.name);
      const map = (object[field.name] ??= {}) as Record<string, unknown>;
      this.#entry(reader.message(), shape.of, map, depth + 1);
      return;
    }
    const before = object[field.name];
    const value = this.#value(reader, wire, shape, before, depth);
    if (value === undefined || isOmitted(field, value)) delete object[field.name];
    else object[field.name] = value;
  }

  #items(reader: Reader, wire: number, of: Shape, list: unknown[], depth: number): void {
    const isScalar = of.is !== 'object' && of.is !== 'list' && of.is !== 'map';
    if (isScalar && wire === BYTES && isPackable(of.is)) {
      const packed = reader.message();
      while (!packed.done) list.push(this.#value(packed, of.is === 'double' ? 1 : 0, of, undefined, depth));
      return;
    }
    list.push(this.#value(reader, wire, of, undefined, depth));
  }

  /** A map's entry: the key, a text, in field 1, the value in field 2. */
  #entry(reader: Reader, of: Shape, map: Record<string, unknown>, depth: number): void {
    let key = '';
    let value: unknown = zeroOf(of);
    while (!reader.done) {
      const { number, wire } = reader.tag();
      if (number === 1 && wire === BYTES) key = reader.text();
      else if (number === 2) value = this.#value(reader, wire, of, undefined, depth);
      else reader.skip(wire);
    }
    // A key like __proto__ is a key as any other.
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  }

  #value(reader: Reader, wire: number, shape: Shape, before: unknown, depth: number): unknown {
    if (++this.#values > MOST_VALUES) throw badProtobuf(`it has more than ${MOST_VALUES} values`);
    if (shape.is === 'map') throw badProtobuf('a map within a map');
    if (shape.is === 'object') {
      expectBytes(wire, shape.type);
      const object: Record<string, unknown> = isFields(before) ? { ...before } : {};
      this.message(reader.message(), this.#types.get(shape.type), object, depth + 1);
      return object;
    }
    if (shape.is !== 'list') return readScalar(reader, shape.is, wire);
    // A list as a map's value is a message with its items in field 1.
    expectBytes(wire, 'items');
    const inner = reader.message();
    const items: unknown[] = [];
    while (!inner.done) {
      const tag = inner.tag();
      if (tag.number === 1) items.push(this.#value(inner, tag.wire, shape.of, undefined, depth + 1));
      else inner.skip(tag.wire);
    }
    return items;
  }
}

function zeroOf(shape: Shape): unknown {
  if (shape.is === 'object') return {};
  if (shape.is === 'list') return [];
  if (shape.is === 'quantity') return '0';
  return shape.is === 'string' || shape.is === 'bytes' ? '' : shape.is === 'bool' ? false : 0;
}

function expectBytes(wire: number, what: string): void {
  if (wire !== BYTES) throw badProtobuf(`wire type ${wire} for ${what}`);
}
