import { isFields } from '../../object.ts';
import { parseTime } from '../text/time.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import type { Bounds, Constraints, Field, ObjectType, Scalar, Shape } from './notation.ts';
import type { Types } from './types.ts';

const LONGEST_MATCHED = 4096;

/**
 * What is wrong with a custom resource by its structural schema (CustomResourceDefinition v1), in the words of a real
 * server. Metadata is the handler's to check.
 */
export function checkStructure(types: Types, typeName: string, found: Findings, object: Place): void {
  const type = types.get(typeName);
  new Walk(types, found).object(type, object, new Set(['metadata']));
}

class Walk {
  readonly #types: Types;
  readonly #found: Findings;

  constructor(types: Types, found: Findings) {
    this.#types = types;
    this.#found = found;
  }

  object(type: ObjectType, place: Place, except: ReadonlySet<string> = new Set()): void {
    for (const field of type.fields.values()) {
      if (except.has(field.name)) continue;
      const at = place.child(field.name);
      if (at.present) this.#field(field, at);
      else if (field.required) this.#found.required(at);
    }
  }

  #field(field: Field, place: Place): void {
    if (!this.#value(field.shape, field.constraints, place)) return;
    if (field.listType === 'map') this.#uniqueBy(place, field.listKeys);
    else if (field.listType === 'set') this.#uniqueBy(place, []);
  }

  /** False if the value has another type, which makes all further rules meaningless. */
  #value(shape: Shape, constraints: Constraints, place: Place): boolean {
    if (shape.is === 'object') {
      if (!isFields(place.value)) return this.#typeMismatch(place, 'object');
      this.object(this.#types.get(shape.type), place);
      return true;
    }
    if (shape.is === 'list') {
      if (!Array.isArray(place.value)) return this.#typeMismatch(place, 'array');
      this.#count(place, place.list.length, constraints.items);
      for (const item of place.items()) this.#value(shape.of, {}, item);
      return true;
    }
    if (shape.is === 'map') {
      if (!isFields(place.value)) return this.#typeMismatch(place, 'object');
      this.#count(place, place.entries().length, constraints.entries);
      for (const [, value] of place.entries()) this.#value(shape.of, {}, value);
      return true;
    }
    return this.#scalar(shape.is, { ...shape.constraints, ...constraints }, place);
  }

  #scalar(scalar: Scalar, constraints: Constraints, place: Place): boolean {
    const type = jsonTypeOf(scalar);
    const seen = typeOf(place.value);
    if (seen !== type && !(type === 'number' && seen === 'integer')) return this.#typeMismatch(place, type);
    if (scalar === 'time' && parseTime(place.text) === undefined) {
      this.#found.invalid(
        place,
        `${place.path} in body must be of type date-time: ${JSON.stringify(place.text)}`,
      );
    }
    if (type === 'string') this.#text(place, constraints);
    else if (type === 'integer') this.#number(place, constraints);
    return true;
  }

  #text(place: Place, constraints: Constraints): void {
    const { length, pattern } = constraints;
    // JSON Schema counts characters, not UTF-16 units.
    const size = Array.from(place.text).length;
    if (length?.max !== undefined && size > length.max) this.#found.tooLong(place, length.max);
    if (length?.min !== undefined && size < length.min) {
      this.#found.invalid(place, `${place.path} in body should be at least ${length.min} chars long`);
    }
    if (pattern !== undefined && !matches(place.text, pattern)) {
      this.#found.invalid(place, `${place.path} in body should match '${pattern}'`);
    }
    if (constraints.enum !== undefined && !constraints.enum.includes(place.text)) {
      this.#found.notSupported(place, constraints.enum);
    }
  }

  #number(place: Place, constraints: Constraints): void {
    const { range } = constraints;
    if (range?.max !== undefined && place.number > range.max) {
      this.#found.invalid(place, `${place.path} in body should be less than or equal to ${range.max}`);
    }
    if (range?.min !== undefined && place.number < range.min) {
      this.#found.invalid(place, `${place.path} in body should be greater than or equal to ${range.min}`);
    }
    if (constraints.enum !== undefined && !constraints.enum.includes(String(place.number))) {
      this.#found.notSupported(place, constraints.enum);
    }
  }

  #count(place: Place, size: number, bounds: Bounds | undefined): void {
    if (bounds?.max !== undefined && size > bounds.max) this.#found.tooMany(place, bounds.max, size);
    if (bounds?.min !== undefined && size < bounds.min) {
      this.#found.invalid(place, `${place.path} in body should have at least ${bounds.min} items`, size);
    }
  }

  /** Items of a list map differ in their keys, items of a set altogether. */
  #uniqueBy(place: Place, keys: readonly string[]): void {
    const seen = new Set<string>();
    for (const item of place.items()) {
      const key =
        keys.length === 0
          ? item.value
          : Object.fromEntries(keys.map(name => [name, item.child(name).value] as const));
      const text = JSON.stringify(key);
      if (seen.has(text)) this.#found.duplicate(item, key);
      seen.add(text);
    }
  }

  #typeMismatch(place: Place, expected: string): false {
    const seen = typeOf(place.value);
    const detail = `${place.path} in body must be of type ${expected}: ${JSON.stringify(seen)}`;
    this.#found.typeInvalid(place, detail, seen);
    return false;
  }
}

/** Patterns of names may backtrack over long text; nothing that long is a name. */
function matches(text: string, pattern: string): boolean {
  return text.length <= LONGEST_MATCHED && new RegExp(pattern).test(text);
}

function jsonTypeOf(scalar: Scalar): string {
  if (scalar === 'int32' || scalar === 'int64' || scalar === 'integer') return 'integer';
  if (scalar === 'bool') return 'boolean';
  if (scalar === 'double') return 'number';
  return scalar === 'raw' || scalar === 'fieldsV1' ? 'object' : 'string';
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
