import { isFields } from '../../object.ts';
import type { Schema } from './schema.ts';

/**
 * An OpenAPI v2 document in the protobuf form that kubectl and client libraries ask for (gnostic, openapi.v2.Document).
 * Values of any shape stand in it as YAML text, which JSON is.
 */
export function gnosticDocument(document: Schema): Uint8Array {
  const info = isFields(document['info']) ? document['info'] : {};
  return Buffer.concat([
    text(1, document['swagger']),
    message(2, [text(1, info['title']), text(2, info['version'])]),
    message(8, named(2, document['paths'], pathItem)),
    message(9, named(1, document['definitions'], schema)),
  ]);
}

type Encoded = readonly Buffer[];

const OPERATIONS = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function pathItem(item: Schema): Encoded {
  return [
    ...Object.entries(OPERATIONS).flatMap(([method, number]) => {
      const value = item[method];
      return isFields(value) ? [message(number, operation(value))] : [];
    }),
    ...list(item['parameters']).map(parameter => message(9, parameterItem(parameter))),
  ];
}

function operation(of: Schema): Encoded {
  return [
    text(5, of['operationId']),
    ...texts(6, of['produces']),
    ...texts(7, of['consumes']),
    ...list(of['parameters']).map(parameter => message(8, parameterItem(parameter))),
    message(9, named(1, of['responses'], response)),
    ...extensions(13, of),
  ];
}

/** ParametersItem, Parameter, and within it a body's parameter or another one's. */
function parameterItem(of: Schema): Encoded {
  const place = of['in'];
  if (place === 'body') {
    const shape = isFields(of['schema']) ? [message(5, schema(of['schema']))] : [];
    const body = [text(2, of['name']), text(3, place), flag(4, of['required']), ...shape];
    return [message(1, [message(1, body)])];
  }
  const isPath = place === 'path';
  const [type, unique] = isPath ? [5, 19] : [6, 20];
  const fields = [
    flag(1, of['required']),
    text(2, place),
    text(3, of['description']),
    text(4, of['name']),
    text(type, of['type']),
    flag(unique, of['uniqueItems']),
  ];
  return [message(1, [message(2, [message(isPath ? 4 : 3, fields)])])];
}

/** ResponseValue with a Response, and in it a SchemaItem. */
function response(of: Schema): Encoded {
  const shape = isFields(of['schema']) ? [message(2, [message(1, schema(of['schema']))])] : [];
  return [message(1, [text(1, of['description']), ...shape])];
}

function schema(of: Schema): Encoded {
  const additional = of['additionalProperties'];
  return [
    text(1, of['$ref']),
    text(2, of['format']),
    text(3, of['title']),
    text(4, of['description']),
    ...(of['default'] === undefined ? [] : [message(5, any(of['default']))]),
    double(6, of['multipleOf']),
    double(7, of['maximum']),
    flag(8, of['exclusiveMaximum']),
    double(9, of['minimum']),
    flag(10, of['exclusiveMinimum']),
    whole(11, of['maxLength']),
    whole(12, of['minLength']),
    text(13, of['pattern']),
    whole(14, of['maxItems']),
    whole(15, of['minItems']),
    flag(16, of['uniqueItems']),
    whole(17, of['maxProperties']),
    whole(18, of['minProperties']),
    ...texts(19, of['required']),
    ...(Array.isArray(of['enum']) ? of['enum'].map(value => message(20, any(value))) : []),
    ...(isFields(additional) ? [message(21, [message(1, schema(additional))])] : []),
    ...(additional === true ? [message(21, [flag(2, true)])] : []),
    ...(typeof of['type'] === 'string' ? [message(22, [text(1, of['type'])])] : []),
    ...(isFields(of['items']) ? [message(23, [message(1, schema(of['items']))])] : []),
    ...(isFields(of['properties']) ? [message(25, named(1, of['properties'], schema))] : []),
    ...(of['example'] === undefined ? [] : [message(30, any(of['example']))]),
    ...extensions(31, of),
  ];
}

const extensions = (number: number, of: Schema): Encoded =>
  Object.entries(of)
    .filter(([name]) => name.startsWith('x-'))
    .map(([name, value]) => message(number, [text(1, name), message(2, any(value))]));

const any = (value: unknown): Encoded => [text(2, JSON.stringify(value))];

/** A map as messages of a name and a value. */
const named = (number: number, of: unknown, encode: (value: Schema) => Encoded): Encoded =>
  Object.entries(isFields(of) ? of : {}).flatMap(([name, value]) =>
    isFields(value) ? [message(number, [text(1, name), message(2, encode(value))])] : [],
  );

const list = (value: unknown): readonly Schema[] => (Array.isArray(value) ? value.filter(isFields) : []);

const EMPTY = Buffer.alloc(0);
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;

function message(number: number, fields: Encoded): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([varint(tag(number, LENGTH_DELIMITED)), varint(body.length), body]);
}

function text(number: number, value: unknown): Buffer {
  if (typeof value !== 'string' || value === '') return EMPTY;
  return message(number, [Buffer.from(value)]);
}

const texts = (number: number, values: unknown): Encoded =>
  Array.isArray(values) ? values.map(value => text(number, value)) : [];

const flag = (number: number, value: unknown): Buffer =>
  value === true ? Buffer.concat([varint(tag(number, VARINT)), varint(1)]) : EMPTY;

/** Lengths are never negative; one that a definition gives all the same is left out. */
const whole = (number: number, value: unknown): Buffer =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0
    ? Buffer.concat([varint(tag(number, VARINT)), varint(value)])
    : EMPTY;

function double(number: number, value: unknown): Buffer {
  if (typeof value !== 'number' || value === 0) return EMPTY;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint(tag(number, FIXED_64)), bytes]);
}

const tag = (number: number, type: number): number => number * 8 + type;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
