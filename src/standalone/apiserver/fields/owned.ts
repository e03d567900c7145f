import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';
import { FieldSetBuilder } from './field-set.ts';
import type { FieldNode, FieldSet } from './field-set.ts';
import { elementOf, isKeyed, itemSchema } from './items.ts';
import { fieldOf } from './ownership-schema.ts';
import type { OwnershipSchema } from './ownership-schema.ts';

/** Every place that an object says something about: what a manager owns by applying it. */
export function ownedBy(schema: OwnershipSchema, object: Fields): FieldSet {
  const builder = new FieldSetBuilder();
  addFields(schema, object, builder);
  return builder.build();
}

function addFields(schema: OwnershipSchema, object: Fields, builder: FieldSetBuilder): void {
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue;
    const field = fieldOf(schema, name);
    const element = `f:${name}`;
    addValue(field.schema, value, builder, element);
    const isEmptyObject = isFields(value) && Object.keys(value).length === 0;
    if (value === null || isEmptyObject || (!field.declared && schema.owned === 'by-field'))
      builder.add(element);
  }
}

function addValue(schema: OwnershipSchema, value: unknown, builder: FieldSetBuilder, element: string): void {
  if (isFields(value) && (schema.owned === 'by-field' || schema.owned === 'unknown')) {
    addFields(schema, value, builder.within(element));
    return;
  }
  if (Array.isArray(value) && isKeyed(schema)) {
    const inside = builder.within(element);
    for (const item of value) {
      const key = elementOf(schema, item);
      if (key === undefined) continue;
      addValue(itemSchema(schema), item, inside, key);
      inside.add(key);
    }
    return;
  }
  builder.add(element);
}

/** The set with the declared fields on the way to its places: what goes when all within it goes. */
export function withDeclaredParents(schema: OwnershipSchema, set: FieldSet): FieldSet {
  const widened = Object.create(null) as Record<string, FieldNode>;
  for (const element in set) {
    const node = set[element];
    if (node === undefined) continue;
    const field = element.startsWith('f:') ? fieldOf(schema, element.slice(2)) : undefined;
    const inner = field?.schema ?? (isKeyed(schema) ? itemSchema(schema) : { owned: 'unknown' as const });
    widened[element] = {
      member: node.member || field?.declared === true,
      inside: withDeclaredParents(inner, node.inside),
    };
  }
  return widened;
}
