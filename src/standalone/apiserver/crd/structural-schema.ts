import type { Fields } from '../object.ts';
import { isFields, textsOf } from '../object.ts';

/** One rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message: string | undefined;
  readonly messageExpression: string | undefined;
  readonly reason: string | undefined;
  readonly fieldPath: string | undefined;
  readonly optionalOldSelf: boolean;
}

/**
 * A structural schema (JSONSchemaProps of CustomResourceDefinition v1), read for use: what a place may hold, what it holds
 * by default, and how it is owned. Parts are read when a value first leads to them.
 */
export interface StructuralSchema {
  /** '' where x-kubernetes-int-or-string or a schema without a type says nothing. */
  readonly type: string;
  readonly nullable: boolean;
  readonly format: string | undefined;
  readonly default: unknown;
  readonly intOrString: boolean;
  readonly preservesUnknown: boolean;
  /** A whole object within the object: it has apiVersion, kind and metadata. */
  readonly embedded: boolean;
  readonly listType: string | undefined;
  readonly listKeys: readonly string[];
  readonly mapType: string | undefined;
  readonly required: readonly string[];
  readonly properties: ReadonlyMap<string, StructuralSchema>;
  /** Of the values of a map; true: anything. */
  readonly additional: StructuralSchema | true | undefined;
  readonly items: StructuralSchema | undefined;
  readonly rules: readonly ValidationRule[];
  /** `allOf`, `anyOf`, `oneOf`, `not`: further conditions, without types of their own. */
  readonly allOf: readonly StructuralSchema[];
  readonly anyOf: readonly StructuralSchema[];
  readonly oneOf: readonly StructuralSchema[];
  readonly not: StructuralSchema | undefined;
  /** The keywords for one value, as they were written: minimum, pattern, enum … */
  readonly keywords: Fields;
}

/** The schema that a part of a CustomResourceDefinition describes; what is none reads as one that takes anything. */
export function readSchema(value: unknown): StructuralSchema {
  const raw = isFields(value) ? value : {};
  let parts: Parts | undefined;
  const part = (): Parts => (parts ??= readParts(raw));
  return {
    type: textOf(raw['type']) ?? '',
    nullable: raw['nullable'] === true,
    format: textOf(raw['format']),
    default: raw['default'],
    intOrString: raw['x-kubernetes-int-or-string'] === true,
    preservesUnknown: raw['x-kubernetes-preserve-unknown-fields'] === true,
    embedded: raw['x-kubernetes-embedded-resource'] === true,
    listType: textOf(raw['x-kubernetes-list-type']),
    listKeys: textsOf(raw['x-kubernetes-list-map-keys']),
    mapType: textOf(raw['x-kubernetes-map-type']),
    required: textsOf(raw['required']),
    keywords: raw,
    get properties() {
      return part().properties;
    },
    get additional() {
      return part().additional;
    },
    get items() {
      return part().items;
    },
    get rules() {
      return part().rules;
    },
    get allOf() {
      return part().allOf;
    },
    get anyOf() {
      return part().anyOf;
    },
    get oneOf() {
      return part().oneOf;
    },
    get not() {
      return part().not;
    },
  };
}

type Parts = Pick<
  StructuralSchema,
  'properties' | 'additional' | 'items' | 'rules' | 'allOf' | 'anyOf' | 'oneOf' | 'not'
>;

function readParts(raw: Fields): Parts {
  const { properties, additionalProperties, items, not } = raw;
  const list = (name: string) =>
    Array.isArray(raw[name]) ? (raw[name] as readonly unknown[]).map(readSchema) : [];
  return {
    properties: new Map(
      Object.entries(isFields(properties) ? properties : {}).map(([name, schema]) => [
        name,
        readSchema(schema),
      ]),
    ),
    additional: additionalProperties === true ? true : optional(additionalProperties),
    items: optional(items),
    rules: readRules(raw['x-kubernetes-validations']),
    allOf: list('allOf'),
    anyOf: list('anyOf'),
    oneOf: list('oneOf'),
    not: optional(not),
  };
}

const optional = (value: unknown): StructuralSchema | undefined =>
  isFields(value) ? readSchema(value) : undefined;

function readRules(value: unknown): readonly ValidationRule[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isFields).map(rule => ({
    rule: textOf(rule['rule']) ?? '',
    message: textOf(rule['message']),
    messageExpression: textOf(rule['messageExpression']),
    reason: textOf(rule['reason']),
    fieldPath: textOf(rule['fieldPath']),
    optionalOldSelf: rule['optionalOldSelf'] === true,
  }));
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** apiVersion, kind and metadata of a whole object, whatever its schema says of them. */
export const OBJECT_FIELDS: readonly string[] = ['apiVersion', 'kind', 'metadata'];

/** The schema of a field; undefined for one that the schema does not know. */
export function childOf(schema: StructuralSchema, name: string): StructuralSchema | true | undefined {
  return schema.properties.get(name) ?? schema.additional;
}
