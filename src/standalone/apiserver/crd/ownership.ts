import { BY_VALUE, UNKNOWN, WHOLE, mapOf } from '../fields/ownership-schema.ts';
import type { OwnedField, OwnershipSchema } from '../fields/ownership-schema.ts';
import { OBJECT_FIELDS, childOf } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** How a custom resource is owned: by its schema, its metadata as every object's. */
export function customOwnership(schema: StructuralSchema, metadata: OwnershipSchema): OwnershipSchema {
  const whole = ownershipOf(schema);
  return {
    owned: 'by-field',
    field: name => {
      if (name === 'metadata') return { schema: metadata, declared: true, zero: {} };
      if (OBJECT_FIELDS.includes(name)) return { schema: WHOLE, declared: true };
      return whole.owned === 'by-field' ? whole.field(name) : undefined;
    },
  };
}

function ownershipOf(schema: StructuralSchema): OwnershipSchema {
  if (schema.intOrString || schema.mapType === 'atomic') return WHOLE;
  switch (schema.type) {
    case 'object':
      return ofObject(schema);
    case 'array':
      return ofList(schema);
    case '':
      return schema.preservesUnknown ? UNKNOWN : WHOLE;
    default:
      return WHOLE;
  }
}

function ofObject(schema: StructuralSchema): OwnershipSchema {
  const { additional } = schema;
  if (schema.properties.size === 0 && additional !== undefined) {
    return mapOf(() => (additional === true ? UNKNOWN : ownershipOf(additional)));
  }
  if (schema.properties.size === 0) return UNKNOWN;
  const known = new Map<string, OwnedField>();
  return {
    owned: 'by-field',
    field: name => {
      const child = childOf(schema, name);
      if (child === undefined || child === true) return undefined;
      let field = known.get(name);
      if (field === undefined) {
        field = { schema: ownershipOf(child), declared: schema.properties.has(name) };
        known.set(name, field);
      }
      return field;
    },
  };
}

function ofList(schema: StructuralSchema): OwnershipSchema {
  const { items, listType, listKeys } = schema;
  if (listType === 'set') return BY_VALUE;
  if (listType !== 'map' || items === undefined) return WHOLE;
  return {
    owned: 'by-key',
    keys: listKeys,
    defaultOf: key => items.properties.get(key)?.default,
    items: () => ownershipOf(items),
  };
}
