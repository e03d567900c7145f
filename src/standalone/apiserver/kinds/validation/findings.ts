import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../../kind.ts';
import type { Place } from './place.ts';

/** Collects what is wrong with an object, in the order of its rules. */
export class Findings {
  readonly #errors: FieldError[] = [];

  get errors(): readonly FieldError[] {
    return this.#errors;
  }

  invalid(place: Place, detail: string, value: unknown = place.value): void {
    this.#add('Invalid', place, detail, value ?? '');
  }

  /** One finding for each complaint about the text at `place`. */
  complaints(place: Place, rule: (text: string) => readonly string[]): void {
    for (const complaint of rule(place.text)) this.invalid(place, complaint, place.text);
  }

  required(place: Place, detail = ''): void {
    this.#add('Required', place, detail);
  }

  forbidden(place: Place, detail: string): void {
    this.#add('Forbidden', place, detail);
  }

  /** It names something that is not there. */
  notFound(place: Place): void {
    this.#add('NotFound', place, '', place.value);
  }

  duplicate(place: Place, value: unknown = place.value, detail = ''): void {
    this.#add('Duplicate', place, detail, value);
  }

  notSupported(place: Place, supported: readonly string[]): void {
    const list = supported.map(value => JSON.stringify(value)).join(', ');
    this.#add('NotSupported', place, `supported values: ${list}`, place.value ?? '');
  }

  tooLong(place: Place, limit: number): void {
    this.#add('TooLong', place, `may not be more than ${limit} bytes`);
  }

  tooMany(place: Place, limit: number, count = place.list.length): void {
    this.#add('TooMany', place, `must have at most ${limit} ${limit === 1 ? 'item' : 'items'}`, count);
  }

  /** `seen` is the JSON type that stands there. */
  typeInvalid(place: Place, detail: string, seen: string): void {
    this.#add('TypeInvalid', place, detail, seen);
  }

  /** Required and one of `supported`. */
  oneOf(place: Place, supported: readonly string[]): void {
    if (place.text === '') this.required(place);
    else if (!supported.includes(place.text)) this.notSupported(place, supported);
  }

  /** One of `supported`, if it is there. */
  optionalOneOf(place: Place, supported: readonly string[]): void {
    if (place.present && !supported.includes(place.text)) this.notSupported(place, supported);
  }

  range(place: Place, least: number, most: number): void {
    if (place.number < least || place.number > most) {
      this.invalid(place, `must be between ${least} and ${most}, inclusive`, place.number);
    }
  }

  port(place: Place): void {
    this.range(place, 1, 65_535);
  }

  notNegative(place: Place): void {
    if (place.number < 0) this.invalid(place, 'must be greater than or equal to 0');
  }

  positive(place: Place): void {
    if (place.present && place.number <= 0) this.invalid(place, 'must be greater than 0');
  }

  /** An update may not change what stands here. */
  immutable(place: Place, before: Place, detail = 'field is immutable'): void {
    if (!isDeepStrictEqual(place.value, before.value)) this.invalid(place, detail);
  }

  /** A finding whose place upstream names in its own way. */
  add(error: FieldError): void {
    this.#errors.push(error);
  }

  #add(type: FieldError['type'], place: Place, detail: string, value?: unknown): void {
    this.#errors.push({ type, field: place.path, detail, ...(value === undefined ? {} : { value }) });
  }
}
