import { BY_VALUE, WHOLE, mapOf } from '../../fields/ownership-schema.ts';
import type { OwnedField, OwnershipSchema } from '../../fields/ownership-schema.ts';
import type { Field, ObjectType, Shape } from './notation.ts';
import type { Types } from './types.ts';

/** How a type's values are owned, by the list and map types of its table. */
export function ownershipSchema(types: Types, typeName: string): OwnershipSchema {
  const known = new Map<string, OwnershipSchema>();
  return ofType(types, types.get(typeName), known);
}

function ofType(types: Types, type: ObjectType, known: Map<string, OwnershipSchema>): OwnershipSchema {
  if (type.mapType === 'atomic') return WHOLE;
  const present = known.get(type.name);
  if (present !== undefined) return present;
  const fields = new Map<string, OwnedField>();
  const made: OwnershipSchema = {
    owned: 'by-field',
    field: name => {
      const found = type.fields.get(name);
      if (found === undefined) return undefined;
      let owned = fields.get(name);
      if (owned === undefined) {
        owned = ownedField(types, found, known);
        fields.set(name, owned);
      }
      return owned;
    },
  };
  known.set(type.name, made);
  return made;
}

function ownedField(types: Types, field: Field, known: Map<string, OwnershipSchema>): OwnedField {
  return {
    schema: ofShape(types, field.shape, field, known),
    declared: true,
    ...zeroOf(field),
  };
}

/** In the tables, as in OpenAPI, a struct that is no pointer has the default {}. */
function zeroOf({ shape, default: value, required }: Field): Pick<OwnedField, 'zero'> {
  if (shape.is === 'object') return value === undefined ? {} : { zero: {} };
  return shape.is === 'list' && required ? { zero: [] } : {};
}

function ofShape(
  types: Types,
  shape: Shape,
  field: Field | undefined,
  known: Map<string, OwnershipSchema>,
): OwnershipSchema {
  if (field?.mapType === 'atomic') return WHOLE;
  if (shape.is === 'object') return ofType(types, types.get(shape.type), known);
  if (shape.is === 'map') return mapOf(() => ofShape(types, shape.of, undefined, known));
  if (shape.is === 'list') return ofList(types, shape.of, field, known);
  return WHOLE;
}

function ofList(
  types: Types,
  items: Shape,
  field: Field | undefined,
  known: Map<string, OwnershipSchema>,
): OwnershipSchema {
  if (field?.listType === 'set') return BY_VALUE;
  if (field?.listType !== 'map' || items.is !== 'object') return WHOLE;
  const type = types.get(items.type);
  return {
    owned: 'by-key',
    keys: field.listKeys,
    defaultOf: key => keyDefault(type.fields.get(key)?.default),
    items: () => ofType(types, type, known),
  };
}

/** `""` is the default of each required text: as a key it says nothing. */
const keyDefault = (value: unknown): unknown => (value === '' || value === 0 ? undefined : value);
