import { isIP } from 'node:net';
import { equalJson } from '../codec/json.ts';
import { isFields } from '../object.ts';
import { parseTime } from '../kinds/text/time.ts';
import type { Findings } from '../kinds/validation/findings.ts';
import { Findings as NewFindings } from '../kinds/validation/findings.ts';
import type { Place } from '../kinds/validation/place.ts';
import { OBJECT_FIELDS, childOf } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { testerOf } from '../../../base/pattern/pattern.ts';

/** Enough to see what is wrong; a body of 3 MiB can break a hundred thousand rules. */
const MOST_FINDINGS = 100;

/** What is wrong with an object by its schema, rules apart, in the words of a real server. Metadata is the handler's to check. */
export function checkObject(schema: StructuralSchema, found: Findings, object: Place): void {
  new Walk(found).object(schema, object, true);
}

/** Adds what is wrong with any value that the schema is for. */
export function checkValue(schema: StructuralSchema, found: Findings, place: Place): void {
  new Walk(found).value(schema, place);
}

class Walk {
  readonly #found: Findings;

  constructor(found: Findings) {
    this.#found = found;
  }

  object(schema: StructuralSchema, place: Place, isWhole = false): void {
    for (const name of schema.required) {
      if (isWhole && OBJECT_FIELDS.includes(name)) continue;
      if (!Object.hasOwn(place.fields, name)) this.#found.required(place.child(name));
    }
    for (const name of Object.keys(place.fields)) {
      if (isWhole && OBJECT_FIELDS.includes(name)) continue;
      const child = childOf(schema, name);
      if (child === undefined || child === true) continue;
      this.value(child, place.child(name));
    }
    this.#count(place, Object.keys(place.fields).length, schema, 'Properties');
  }

  value(schema: StructuralSchema, place: Place): void {
    if (this.#found.errors.length >= MOST_FINDINGS) return;
    const { value } = place;
    if (value === null && schema.nullable) return;
    if (!this.#hasType(schema, place)) return;
    this.#conditions(schema, place);
    if (isFields(value)) this.object(schema, place, schema.embedded);
    else if (Array.isArray(value)) this.#list(schema, place);
    else this.#scalar(schema, place);
    this.#oneOfEnum(schema, place);
  }

  #list(schema: StructuralSchema, place: Place): void {
    this.#count(place, place.list.length, schema, 'Items');
    const { items, listType, listKeys } = schema;
    if (items !== undefined) for (const item of place.items()) this.value(items, item);
    if (listType === 'set' || schema.keywords['uniqueItems'] === true) this.#unique(place, []);
    else if (listType === 'map') this.#unique(place, listKeys, items);
  }

  #unique(place: Place, keys: readonly string[], items?: StructuralSchema): void {
    const seen = new Set<string>();
    for (const item of place.items()) {
      const key =
        keys.length === 0
          ? item.value
          : Object.fromEntries(
              keys.map(
                name => [name, item.child(name).value ?? items?.properties.get(name)?.default] as const,
              ),
            );
      const text = JSON.stringify(key) ?? '';
      if (seen.has(text)) this.#found.duplicate(item, key);
      seen.add(text);
    }
  }

  #scalar(schema: StructuralSchema, place: Place): void {
    if (typeof place.value === 'string') this.#text(schema, place, place.value);
    else if (typeof place.value === 'number') this.#number(schema, place, place.value);
  }

  #text(schema: StructuralSchema, place: Place, text: string): void {
    const { maxLength, minLength, pattern } = schema.keywords;
    // JSON Schema counts characters, not UTF-16 units.
    const size =
      text.length > 0 && (maxLength ?? minLength) !== undefined ? Array.from(text).length : text.length;
    const isTooLong = typeof maxLength === 'number' && size > maxLength;
    if (isTooLong) this.#found.tooLong(place, maxLength);
    if (typeof minLength === 'number' && size < minLength) {
      this.#found.invalid(place, `${place.path} in body should be at least ${minLength} chars long`);
    }
    if (!isTooLong && typeof pattern === 'string' && testerOf(pattern)?.test(text) === false) {
      this.#found.invalid(place, `${place.path} in body should match '${pattern}'`);
    }
    if (schema.format !== undefined && !hasFormat(schema.format, text)) {
      const detail = `${place.path} in body must be of type ${schema.format}: ${JSON.stringify(text)}`;
      this.#found.typeInvalid(place, detail, text);
    }
  }

  #number(schema: StructuralSchema, place: Place, value: number): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema.keywords;
    const say = (text: string) => this.#found.invalid(place, `${place.path} in body should be ${text}`);
    if (typeof maximum === 'number') {
      if (exclusiveMaximum === true ? value >= maximum : value > maximum) {
        say(`less than ${exclusiveMaximum === true ? '' : 'or equal to '}${maximum}`);
      }
    }
    if (typeof minimum === 'number') {
      if (exclusiveMinimum === true ? value <= minimum : value < minimum) {
        say(`greater than ${exclusiveMinimum === true ? '' : 'or equal to '}${minimum}`);
      }
    }
    if (typeof multipleOf === 'number' && multipleOf > 0 && value % multipleOf !== 0)
      say(`a multiple of ${multipleOf}`);
  }

  #oneOfEnum(schema: StructuralSchema, place: Place): void {
    const allowed = schema.keywords['enum'];
    if (!Array.isArray(allowed) || allowed.some(one => equalJson(one, place.value))) return;
    this.#found.notSupported(place, allowed.map(String));
  }

  #count(place: Place, size: number, schema: StructuralSchema, what: 'Items' | 'Properties'): void {
    const [least, most] = [schema.keywords[`min${what}`], schema.keywords[`max${what}`]];
    if (typeof most === 'number' && size > most) this.#found.tooMany(place, most, size);
    if (typeof least === 'number' && size < least) {
      const noun = what === 'Items' ? 'items' : 'properties';
      this.#found.invalid(place, `${place.path} in body should have at least ${least} ${noun}`, size);
    }
  }

  #conditions(schema: StructuralSchema, place: Place): void {
    for (const each of schema.allOf) this.value(withType(each, schema), place);
    const holds = (each: StructuralSchema) => {
      const own = new NewFindings();
      new Walk(own).value(withType(each, schema), place);
      return own.errors.length === 0;
    };
    if (schema.anyOf.length > 0 && !schema.anyOf.some(holds)) {
      this.#found.invalid(
        place,
        `${place.path} in body must validate at least one schema (anyOf)`,
        shown(place),
      );
    }
    if (schema.oneOf.length > 0 && schema.oneOf.filter(holds).length !== 1) {
      this.#found.invalid(
        place,
        `${place.path} in body must validate one and only one schema (oneOf)`,
        shown(place),
      );
    }
    if (schema.not !== undefined && holds(schema.not)) {
      this.#found.invalid(place, `${place.path} in body must not validate the schema (not)`, shown(place));
    }
  }

  /** False if the value has another type, which makes all further rules meaningless. */
  #hasType(schema: StructuralSchema, place: Place): boolean {
    const seen = typeOf(place.value);
    if (schema.intOrString) {
      if (seen === 'integer' || seen === 'string') return true;
      return this.#mismatch(place, 'integer,string', seen);
    }
    const { type } = schema;
    if (type === '' || seen === type || (type === 'number' && seen === 'integer')) return true;
    return this.#mismatch(place, type, seen);
  }

  #mismatch(place: Place, expected: string, seen: string): false {
    const detail = `${place.path} in body must be of type ${expected}: ${JSON.stringify(seen)}`;
    this.#found.typeInvalid(place, detail, seen);
    return false;
  }
}

/** Conditions say no types: the value's own is known already. */
const withType = (condition: StructuralSchema, of: StructuralSchema): StructuralSchema =>
  condition.type !== '' || of.intOrString
    ? condition
    : Object.assign(Object.create(condition) as StructuralSchema, { type: '' });

const shown = (place: Place): unknown => {
  const type = typeOf(place.value);
  return type === 'object' || type === 'array' ? type : place.value;
};

export function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** The formats that a real server checks and that networked applications use; unknown ones say nothing. */
function hasFormat(format: string, text: string): boolean {
  switch (format) {
    case 'date-time':
      return parseTime(text) !== undefined;
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
    case 'ipv4':
      return isIP(text) === 4;
    case 'ipv6':
      return isIP(text) === 6;
    case 'cidr': {
      const [address = '', length = ''] = text.split('/');
      const family = isIP(address);
      return family !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
    }
    case 'uuid':
      return /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(text);
    case 'uri':
      return URL.canParse(text) || text.startsWith('/');
    case 'byte':
      return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0;
    case 'duration':
      return /^([+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$|^0$/.test(text);
    case 'mac':
      return /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text);
    case 'email':
      return /^[^@\s]+@[^@\s]+$/.test(text);
    case 'hostname':
      return /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(text);
    default:
      return true;
  }
}
