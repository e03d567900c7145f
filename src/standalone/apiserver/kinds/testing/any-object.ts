import fc from 'fast-check';
import type { Fields } from '../../object.ts';
import type { Field, ObjectType, Shape } from '../schema/notation.ts';
import type { Types } from '../schema/types.ts';

/** Objects that fit a type, each optional field there or not; `depth` falls by three with each object within. */
export function anyObject(types: Types, type: ObjectType, depth: number): fc.Arbitrary<Fields> {
  const fields = [...type.fields.values()].filter(field => depth > 0 || !leadsToObject(field.shape));
  const values = fields.map(
    field => [field.name, fc.option(anyValue(types, field, depth), { nil: undefined, freq: 2 })] as const,
  );
  return fc
    .record(Object.fromEntries(values))
    .map(object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));
}

function leadsToObject(shape: Shape): boolean {
  return shape.is === 'object' || ((shape.is === 'list' || shape.is === 'map') && leadsToObject(shape.of));
}

function anyValue(types: Types, field: Field, depth: number): fc.Arbitrary<unknown> {
  const mayBeZero = field.required || field.presence || field.always;
  const value = anyShape(types, field.shape, depth);
  return mayBeZero ? value : value.filter(item => item !== '' && item !== 0 && item !== false);
}

const anyTime = fc
  .integer({ min: 1, max: 4_000_000_000 })
  .map(seconds => new Date(seconds * 1000).toISOString());

function anyShape(types: Types, shape: Shape, depth: number): fc.Arbitrary<unknown> {
  switch (shape.is) {
    case 'list':
      return fc.array(anyShape(types, shape.of, depth), { minLength: 1, maxLength: 2 });
    case 'map':
      return fc.dictionary(fc.string({ maxLength: 5 }), anyShape(types, shape.of, depth), {
        minKeys: 1,
        maxKeys: 2,
        noNullPrototype: true,
      });
    case 'object':
      return anyObject(types, types.get(shape.type), depth - 3);
    case 'string':
      return fc.string({ maxLength: 8, unit: 'grapheme' });
    case 'bool':
      return fc.boolean();
    case 'int32':
      return fc.integer();
    case 'int64':
    case 'integer':
      return fc.maxSafeInteger();
    case 'double':
      return fc.constant(0.5);
    case 'bytes':
      return fc.uint8Array({ maxLength: 5 }).map(bytes => Buffer.from(bytes).toString('base64'));
    case 'quantity':
      return fc.constantFrom('100m', '1Gi', '0', '250M', '1536Mi');
    case 'intOrString':
      return fc.oneof(fc.integer(), fc.string({ maxLength: 5 }));
    case 'time':
      return anyTime.map(time => `${time.slice(0, 19)}Z`);
    case 'microTime':
      return fc
        .tuple(anyTime, fc.nat(999_999))
        .map(([time, micro]) => `${time.slice(0, 19)}.${String(micro).padStart(6, '0')}Z`);
    case 'raw':
    case 'fieldsV1':
      return fc.constant({ 'f:metadata': {} });
    default:
      return shape satisfies never;
  }
}
