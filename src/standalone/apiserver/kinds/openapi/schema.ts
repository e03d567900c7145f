import type { Constraints, Field, ObjectType, Scalar, Shape } from '../schema/notation.ts';
import type { Group, Types } from '../schema/types.ts';

/** An OpenAPI v3 schema object, as plain JSON. */
export type Schema = Readonly<Record<string, unknown>>;

const APIMACHINERY = 'io.k8s.apimachinery.pkg.';

/** Scalars that have a schema of their own, which fields refer to. */
const NAMED_SCALARS: Partial<Record<Scalar, readonly [name: string, schema: Schema]>> = {
  quantity: [
    `${APIMACHINERY}api.resource.Quantity`,
    {
      description:
        'A fixed-point number, with an optional decimal (m, k, M, G …) or binary (Ki, Mi, Gi …) suffix.',
      oneOf: [{ type: 'string' }, { type: 'number' }],
    },
  ],
  intOrString: [
    `${APIMACHINERY}util.intstr.IntOrString`,
    {
      description: 'A number, or a text: the name of a port, or a percentage.',
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    },
  ],
  time: [
    `${APIMACHINERY}apis.meta.v1.Time`,
    { description: 'A time as in RFC 3339, with whole seconds.', type: 'string', format: 'date-time' },
  ],
  microTime: [
    `${APIMACHINERY}apis.meta.v1.MicroTime`,
    { description: 'A time as in RFC 3339, with microseconds.', type: 'string', format: 'date-time' },
  ],
  raw: [`${APIMACHINERY}runtime.RawExtension`, { description: 'Any object.', type: 'object' }],
  fieldsV1: [
    `${APIMACHINERY}apis.meta.v1.FieldsV1`,
    { description: 'A set of fields, as a tree in JSON.', type: 'object' },
  ],
};

const PLAIN_SCALARS: Partial<Record<Scalar, Schema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  integer: { type: 'integer' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
};

/** Schemas of custom resources stand alone: what is a reference elsewhere is written out. */
const WRITTEN_OUT: Partial<Record<Scalar, Schema>> = {
  time: { type: 'string', format: 'date-time' },
  intOrString: { 'x-kubernetes-int-or-string': true },
  raw: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** Collects the schemas that a document needs, as they are referred to. */
export class SchemaWriter {
  readonly schemas: Record<string, Schema> = {};
  readonly #types: Types;
  readonly #everyVersion: readonly { readonly group: string; readonly version: string }[];

  /** `everyVersion`: the group versions that kinds like DeleteOptions belong to. */
  constructor(types: Types, everyVersion: readonly { readonly group: string; readonly version: string }[]) {
    this.#types = types;
    this.#everyVersion = everyVersion;
  }

  /** A reference to the type, whose schema is written along with all that it refers to. */
  ref(fullName: string): Schema {
    if (this.schemas[fullName] === undefined) {
      // Reserves the place, so that types that refer to each other end.
      this.schemas[fullName] = {};
      this.schemas[fullName] = this.#object(this.#types.get(fullName));
    }
    return refTo(fullName);
  }

  /** A schema that no table describes. */
  define(name: string, schema: Schema): Schema {
    this.schemas[name] = schema;
    return refTo(name);
  }

  #object(type: ObjectType): Schema {
    const group = this.#types.groupOf(type.name);
    const fields = [...type.fields.values()];
    const required = fields.filter(field => field.required).map(field => field.name);
    const typeMeta = type.typeMeta ? { apiVersion: API_VERSION, kind: KIND } : {};
    const properties = Object.fromEntries(
      fields.map(field => [field.name, this.#field(field, group)] as const),
    );
    return {
      ...(type.description === '' ? {} : { description: type.description }),
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      ...(fields.length === 0 ? {} : { properties: { ...typeMeta, ...properties } }),
      ...(type.mapType === undefined ? {} : { 'x-kubernetes-map-type': type.mapType }),
      ...this.#kinds(type, group),
      ...(type.union === undefined ? {} : { 'x-kubernetes-unions': [unionOf(type.union)] }),
    };
  }

  #kinds(type: ObjectType, group: Group | undefined): Schema {
    if (type.kind === 'no' || group === undefined) return {};
    const kind = type.name.slice(type.name.lastIndexOf('.') + 1);
    const versions =
      type.kind === 'every' ? this.#everyVersion : [{ group: group.group, version: group.version }];
    const kinds = versions.map(version => ({ group: version.group, kind, version: version.version }));
    return { 'x-kubernetes-group-version-kind': kinds };
  }

  #field(field: Field, group: Group | undefined): Schema {
    const shape = this.#shape(field.shape, group);
    const extra: Schema = {
      ...(field.description === '' ? {} : { description: field.description }),
      ...(field.default === undefined ? {} : { default: field.default }),
      ...constraintsOf(field.constraints, field.shape.is),
      ...(field.listType === undefined ? {} : { 'x-kubernetes-list-type': field.listType }),
      ...(field.listType === 'map' ? { 'x-kubernetes-list-map-keys': field.listKeys } : {}),
      ...(field.mapType === undefined ? {} : { 'x-kubernetes-map-type': field.mapType }),
      ...(field.patchStrategies.length === 0
        ? {}
        : { 'x-kubernetes-patch-strategy': field.patchStrategies.join(',') }),
      ...(field.mergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.mergeKey }),
    };
    // OpenAPI 3.0 ignores what stands beside a reference.
    return '$ref' in shape ? { ...extra, allOf: [shape] } : { ...shape, ...extra };
  }

  #shape(shape: Shape, group: Group | undefined): Schema {
    if (shape.is === 'list') return { type: 'array', items: this.#shape(shape.of, group) };
    if (shape.is === 'map') return { type: 'object', additionalProperties: this.#shape(shape.of, group) };
    if (shape.is === 'object') {
      const isCustom = group?.custom === true && this.#types.groupOf(shape.type) === group;
      return isCustom ? this.#object(this.#types.get(shape.type)) : this.ref(shape.type);
    }
    return { ...this.#scalar(shape.is, group), ...constraintsOf(shape.constraints ?? {}, shape.is) };
  }

  #scalar(scalar: Scalar, group: Group | undefined): Schema {
    if (group?.custom === true && WRITTEN_OUT[scalar] !== undefined) return WRITTEN_OUT[scalar];
    const named = NAMED_SCALARS[scalar];
    return named === undefined ? (PLAIN_SCALARS[scalar] ?? {}) : this.define(named[0], named[1]);
  }
}

const API_VERSION: Schema = { description: 'Version of the schema of this object.', type: 'string' };
const KIND: Schema = { description: 'Name of the resource that this object stands for.', type: 'string' };

/** Members of a union by the name that the discriminator has for each. */
function unionOf(union: { readonly discriminator: string; readonly members: readonly string[] }): Schema {
  const named = union.members.map(
    member => [member, member.slice(0, 1).toUpperCase() + member.slice(1)] as const,
  );
  return {
    ...(union.discriminator === '' ? {} : { discriminator: union.discriminator }),
    'fields-to-discriminateBy': Object.fromEntries(named),
  };
}

function constraintsOf(constraints: Constraints, shape: Shape['is']): Schema {
  const { length, items, entries, range } = constraints;
  const all: Record<string, unknown> = {
    minLength: length?.min,
    maxLength: length?.max,
    minItems: items?.min,
    maxItems: items?.max,
    minProperties: entries?.min,
    maxProperties: entries?.max,
    minimum: range?.min,
    maximum: range?.max,
    pattern: constraints.pattern,
    enum: shape === 'integer' ? constraints.enum?.map(Number) : constraints.enum,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
