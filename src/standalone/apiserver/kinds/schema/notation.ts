/**
 * The notation of ../tables: the one description of each type, from which validation, OpenAPI, protobuf decoding and
 * merge keys follow. Line by line:
 *
 *     Container                                    a type; words after the name: atomic | granular (x-kubernetes-map-type),
 *                                                  kind (has apiVersion and kind), kind=every (in every group version),
 *                                                  bare (a kind without those two fields),
 *                                                  inline (no schema of its own), union=discriminator(members)
 *      name 1 string! =""                          a field: JSON name, protobuf number (- without one), shape
 *      replicas 1 int32?                           `!` required, `?` present even when zero (a pointer in Go)
 *      ports 6 []ContainerPort list=map(containerPort,protocol) patch=merge(containerPort)
 *      nodeSelector 7 {}string map=atomic
 *      ...LocalObjectReference 1                   fields of another type stand here in JSON, in field 1 on the wire
 *      PortNumber: int32 range=1..65535            a named scalar with constraints (custom resources)
 *
 * Words are parted by single spaces (in JSON and patterns write \\u0020).
 * Shapes: a scalar, `[]` list of, `{}` map to, a type of the same group, or `group.Type`. Words after the shape:
 * `=JSON` the default, `always` written even when empty, `list=atomic|set|map(keys)`, `map=atomic|granular`,
 * `patch=strategies(mergeKey)`; for custom resources `length=a..b`, `items=a..b`, `entries=a..b`, `range=a..b`,
 * `pattern=…`, `enum(A,B)`. A description follows ` | `.
 */

export const SCALARS = [
  'string',
  'bool',
  'int32',
  'int64',
  'integer',
  'double',
  'bytes',
  'quantity',
  'intOrString',
  'time',
  'microTime',
  'raw',
  'fieldsV1',
] as const;
export type Scalar = (typeof SCALARS)[number];

/** Both ends included; an absent end is open. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Rules of a structural schema (CustomResourceDefinition v1); the built-in groups validate by code instead. */
export interface Constraints {
  readonly length?: Bounds;
  readonly items?: Bounds;
  readonly entries?: Bounds;
  readonly range?: Bounds;
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

export type Shape =
  | { readonly is: Scalar; readonly constraints?: Constraints }
  | { readonly is: 'object'; readonly type: string }
  | { readonly is: 'list'; readonly of: Shape }
  | { readonly is: 'map'; readonly of: Shape };

export interface Field {
  readonly name: string;
  /** Protobuf field number; 0 without one. */
  readonly number: number;
  readonly shape: Shape;
  readonly required: boolean;
  /** A zero value says something: it is a pointer in the Go type. */
  readonly presence: boolean;
  /** Written even when empty, though not required. */
  readonly always: boolean;
  readonly default?: unknown;
  readonly listType?: string;
  readonly listKeys: readonly string[];
  readonly mapType?: string;
  readonly patchStrategies: readonly string[];
  readonly mergeKey?: string;
  readonly constraints: Constraints;
  readonly description: string;
}

export interface ObjectType {
  /** Full name, as `io.k8s.api.core.v1.Pod`. */
  readonly name: string;
  readonly mapType?: string;
  readonly kind: 'no' | 'own' | 'every';
  /** Has the fields apiVersion and kind. */
  readonly typeMeta: boolean;
  /** Has no schema of its own: its fields stand in the types that include it. */
  readonly inline: boolean;
  readonly union?: { readonly discriminator: string; readonly members: readonly string[] };
  readonly description: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** What Go writes though nobody set it: structs that are no pointers, required scalars. The metadata of kinds apart. */
  readonly zeros: readonly Field[];
  /** What a protobuf field number leads to: a field, or a message whose fields stand in this object. */
  readonly wire: ReadonlyMap<number, Field | { readonly included: string }>;
}

/** How names are resolved while one group's text is read. */
export interface Names {
  /** `Pod` or `meta.ObjectMeta` to the full name of a type. */
  resolve(name: string): string;
  /** The named scalar of this group, if `name` is one. */
  scalar(name: string): Shape | undefined;
  /** Fields of an included type, by full name. */
  fieldsOf(fullName: string): ReadonlyMap<string, Field>;
}

/** The text of each type in a group's table, by short name; nothing else is read yet. */
export function splitTable(text: string): ReadonlyMap<string, readonly string[]> {
  const types = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith(' ')) {
      current.push(line);
      continue;
    }
    current = [line];
    types.set(/^\w+/.exec(line)?.[0] ?? '', current);
  }
  return types;
}

export function parseType(fullName: string, lines: readonly string[], names: Names): ObjectType {
  const [header = '', ...rest] = lines;
  const [declaration, description] = splitDescription(header);
  const words = declaration.split(' ').slice(1);
  const fields = new Map<string, Field>();
  const wire = new Map<number, Field | { included: string }>();
  for (const line of rest) {
    const included = /^ \.\.\.(\S+) (\d+)$/.exec(line);
    if (included !== null) {
      const name = names.resolve(included[1] ?? '');
      wire.set(Number(included[2]), { included: name });
      for (const [key, field] of names.fieldsOf(name)) fields.set(key, field);
      continue;
    }
    const field = parseField(line, names);
    fields.set(field.name, field);
    if (field.number > 0) wire.set(field.number, field);
  }
  const kind = words.includes('kind') ? 'own' : words.includes('kind=every') ? 'every' : 'no';
  const mapType = words.find(word => word === 'atomic' || word === 'granular');
  const union = words.map(word => /^union=(\w*)\((.*)\)$/.exec(word)).find(found => found !== null);
  return {
    name: fullName,
    ...(mapType === undefined ? {} : { mapType }),
    kind,
    typeMeta: kind !== 'no' && !words.includes('bare'),
    inline: words.includes('inline'),
    ...(union == null
      ? {}
      : { union: { discriminator: union[1] ?? '', members: (union[2] ?? '').split(',') } }),
    description,
    fields,
    zeros: [...fields.values()].filter(
      field => isZero(field) && !(kind !== 'no' && field.name === 'metadata'),
    ),
    wire,
  };
}

function isZero({ default: value, required, always, shape }: Field): boolean {
  if (shape.is === 'object') return value !== undefined;
  if (always) return shape.is === 'string' || shape.is === 'int32';
  return required && (value === 0 || value === '' || value === false);
}

/** A named scalar: `PortNumber: int32 range=1..65535`; undefined for lines that declare a type. */
export function parseNamedScalar(line: string): Shape | undefined {
  const [declaration] = splitDescription(line);
  const found = /^\w+: (\w+)(?: (.*))?$/.exec(declaration);
  if (found === null) return undefined;
  const constraints = parseConstraints((found[2] ?? '').split(' '));
  return { is: scalarNamed(found[1] ?? '') ?? 'string', constraints };
}

function parseField(line: string, names: Names): Field {
  const [declaration, description] = splitDescription(line);
  const [, name = '', number = '', shapeText = '', ...words] = declaration.split(' ');
  const marks = /[!?]*$/.exec(shapeText)?.[0] ?? '';
  const value = (prefix: string) => words.find(word => word.startsWith(prefix))?.slice(prefix.length);
  const byDefault = value('=');
  const list = /^(\w+)(?:\((.*)\))?$/.exec(value('list=') ?? '');
  const patch = /^([\w,]+)(?:\((.*)\))?$/.exec(value('patch=') ?? '');
  const mapType = value('map=');
  return {
    name,
    number: number === '-' ? 0 : Number(number),
    shape: parseShape(shapeText.slice(0, shapeText.length - marks.length), names),
    required: marks.includes('!'),
    presence: marks.includes('?'),
    always: words.includes('always'),
    ...(byDefault === undefined ? {} : { default: JSON.parse(byDefault) as unknown }),
    ...(list?.[1] === undefined ? {} : { listType: list[1] }),
    listKeys: list?.[2]?.split(',') ?? [],
    ...(mapType === undefined ? {} : { mapType }),
    patchStrategies: patch?.[1]?.split(',') ?? [],
    ...(patch?.[2] === undefined ? {} : { mergeKey: patch[2] }),
    constraints: parseConstraints(words),
    description,
  };
}

function parseShape(text: string, names: Names): Shape {
  if (text.startsWith('[]')) return { is: 'list', of: parseShape(text.slice(2), names) };
  if (text.startsWith('{}')) return { is: 'map', of: parseShape(text.slice(2), names) };
  const scalar = scalarNamed(text);
  if (scalar !== undefined) return { is: scalar };
  return names.scalar(text) ?? { is: 'object', type: names.resolve(text) };
}

const scalarNamed = (name: string): Scalar | undefined => SCALARS.find(scalar => scalar === name);

function parseConstraints(words: readonly string[]): Constraints {
  const constraints: { -readonly [key in keyof Constraints]: Constraints[key] } = {};
  for (const word of words) {
    const bounds = /^(length|items|entries|range)=(-?\d*)\.\.(-?\d*)$/.exec(word);
    if (bounds !== null) {
      const [, key = '', min = '', max = ''] = bounds;
      constraints[key as 'length'] = {
        ...(min === '' ? {} : { min: Number(min) }),
        ...(max === '' ? {} : { max: Number(max) }),
      };
    } else if (word.startsWith('pattern=')) {
      constraints.pattern = word.slice('pattern='.length);
    } else if (word.startsWith('enum(')) {
      constraints.enum = word.slice('enum('.length, -1).split(',');
    }
  }
  return constraints;
}

function splitDescription(line: string): readonly [string, string] {
  const at = line.indexOf(' | ');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 3)];
}
