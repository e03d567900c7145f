import { isFields } from '../../object.ts';
import type { Fields } from '../../object.ts';
import { QUANTITY_MISMATCH, parseQuantity } from '../text/quantity.ts';
import { isMicroTime, parseTime } from '../text/time.ts';
import type { ObjectType, Scalar, Shape } from './notation.ts';
import type { Types } from './types.ts';

/** Where a value stands, for the words of Go's JSON decoder: the innermost struct and the names that lead to the field. */
interface Place {
  readonly struct: string;
  readonly path: readonly string[];
}

/**
 * JSON values that do not fit their field's type, in the words that a server of Kubernetes uses. `null` fits everything.
 * Like Go's decoder it reports the first mismatch alone.
 */
export function typeErrors(types: Types, typeName: string, object: Fields): readonly string[] {
  const found = checkObject(types, types.get(typeName), object, []);
  return found === undefined ? [] : [found];
}

function checkObject(
  types: Types,
  type: ObjectType,
  object: Fields,
  path: readonly string[],
): string | undefined {
  const struct = type.name.slice(type.name.lastIndexOf('.') + 1);
  for (const [name, value] of Object.entries(object)) {
    const place = { struct, path: [...path, name] };
    if (type.typeMeta && (name === 'apiVersion' || name === 'kind')) {
      if (value !== null && typeof value !== 'string') return mismatch(place, value, 'string');
      continue;
    }
    const field = type.fields.get(name);
    const found = field === undefined ? undefined : checkValue(types, field.shape, value, place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkValue(types: Types, shape: Shape, value: unknown, place: Place): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (shape.is === 'object') {
    if (!isFields(value)) return mismatch(place, value, goType(shape));
    return checkObject(types, types.get(shape.type), value, place.path);
  }
  if (shape.is === 'list') {
    if (!Array.isArray(value)) return mismatch(place, value, goType(shape));
    return firstOf(value, item => checkValue(types, shape.of, item, place));
  }
  if (shape.is === 'map') {
    if (!isFields(value)) return mismatch(place, value, goType(shape));
    return firstOf(Object.values(value), item => checkValue(types, shape.of, item, place));
  }
  return checkScalar(shape.is, value, place);
}

function checkScalar(scalar: Scalar, value: unknown, place: Place): string | undefined {
  switch (scalar) {
    case 'string':
      return typeof value === 'string' ? undefined : mismatch(place, value, 'string');
    case 'bool':
      return typeof value === 'boolean' ? undefined : mismatch(place, value, 'bool');
    case 'int32':
      return isInteger(value, 2 ** 31) ? undefined : mismatch(place, value, 'int32', true);
    case 'int64':
    case 'integer':
      return isInteger(value, 2 ** 63) ? undefined : mismatch(place, value, 'int64', true);
    case 'double':
      return typeof value === 'number' ? undefined : mismatch(place, value, 'float64');
    case 'intOrString':
      if (typeof value === 'string' || isInteger(value, 2 ** 31)) return undefined;
      return mismatch(place, value, 'int32', true);
    case 'bytes':
      return checkBytes(value, place);
    case 'quantity':
      if (typeof value === 'string' || typeof value === 'number') {
        return parseQuantity(String(value).trim()) === undefined ? QUANTITY_MISMATCH : undefined;
      }
      return QUANTITY_MISMATCH;
    case 'time':
      return checkTime(value, place, '2006-01-02T15:04:05Z07:00', isTime);
    case 'microTime':
      return checkTime(value, place, '2006-01-02T15:04:05.000000Z07:00', isMicroTime);
    case 'raw':
    case 'fieldsV1':
      return isFields(value) ? undefined : mismatch(place, value, 'map[string]interface {}');
    default:
      return scalar satisfies never;
  }
}

function checkBytes(value: unknown, place: Place): string | undefined {
  if (typeof value !== 'string') return mismatch(place, value, '[]uint8');
  const text = value.replaceAll(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]/.exec(text)?.index ?? (text.length % 4 === 0 ? badPadding(text) : text.length);
  return bad === undefined ? undefined : `illegal base64 data at input byte ${bad}`;
}

function badPadding(text: string): number | undefined {
  const at = text.indexOf('=');
  return at < 0 || /^={1,2}$/.test(text.slice(at)) ? undefined : at;
}

const isTime = (text: string): boolean => parseTime(text) !== undefined;

function checkTime(
  value: unknown,
  place: Place,
  layout: string,
  fits: (text: string) => boolean,
): string | undefined {
  if (typeof value !== 'string') return mismatch(place, value, 'string');
  // Go reads the empty text of a time as an error, and so do we; JSON null is the way to say "none".
  if (fits(value)) return undefined;
  const rest = parseTime(value) === undefined ? `${JSON.stringify(value)} as "2006"` : '"Z" as ".000000"';
  return `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${rest}`;
}

function isInteger(value: unknown, limit: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit;
}

function mismatch(place: Place, value: unknown, expected: string, withNumber = false): string {
  const seen = typeof value === 'number' && withNumber ? `number ${value}` : jsonType(value);
  return `json: cannot unmarshal ${seen} into Go struct field ${place.struct}.${place.path.join('.')} of type ${expected}`;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** The Go type that a shape stands for upstream, as far as clients read it in messages. */
function goType(shape: Shape): string {
  switch (shape.is) {
    case 'object':
      return `v1.${shape.type.slice(shape.type.lastIndexOf('.') + 1)}`;
    case 'list':
      return `[]${goType(shape.of)}`;
    case 'map':
      return shape.of.is === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(shape.of)}`;
    case 'quantity':
      return 'resource.Quantity';
    case 'intOrString':
      return 'intstr.IntOrString';
    case 'bytes':
      return '[]uint8';
    case 'time':
      return 'v1.Time';
    case 'microTime':
      return 'v1.MicroTime';
    case 'raw':
      return 'runtime.RawExtension';
    case 'fieldsV1':
      return 'v1.FieldsV1';
    case 'double':
      return 'float64';
    case 'string':
    case 'bool':
    case 'int32':
    case 'int64':
      return shape.is;
    case 'integer':
      return 'int';
    default:
      return shape satisfies never;
  }
}

function firstOf<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = check(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
