import { isFields } from '../../object.ts';
import type { Fields } from '../../object.ts';

/**
 * A value in an object with the path that leads to it, as validation walks: absent values read as Go's zero values, so
 * that a rule finds the same faults, under the same paths, as it does on a server with typed objects.
 */
export class Place {
  /** `spec.ports[0].name`, `metadata.labels[app]`; empty for the object itself. */
  readonly path: string;
  readonly value: unknown;

  constructor(path: string, value: unknown) {
    this.path = path;
    this.value = value;
  }

  /** The field `name` of an object. */
  child(name: string): Place {
    return new Place(this.path === '' ? name : `${this.path}.${name}`, this.#own(name));
  }

  /** The value under `key` of a map. */
  key(key: string): Place {
    return new Place(`${this.path}[${key}]`, this.#own(key));
  }

  /** The items of a list; none if there is no list. */
  items(): readonly Place[] {
    return this.list.map((item, index) => new Place(`${this.path}[${index}]`, item));
  }

  /** The item at `index` of a list, also where there is none. */
  item(index: number): Place {
    return new Place(`${this.path}[${index}]`, this.list[index]);
  }

  /** The entries of a map. */
  entries(): readonly (readonly [string, Place])[] {
    return Object.keys(this.fields).map(key => [key, this.key(key)] as const);
  }

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get fields(): Fields {
    return isFields(this.value) ? this.value : {};
  }

  get list(): readonly unknown[] {
    return Array.isArray(this.value) ? this.value : [];
  }

  get texts(): readonly string[] {
    return this.list.filter(item => typeof item === 'string');
  }

  get text(): string {
    return typeof this.value === 'string' ? this.value : '';
  }

  get number(): number {
    return typeof this.value === 'number' ? this.value : 0;
  }

  get flag(): boolean {
    return this.value === true;
  }

  /** Keys come from clients: `constructor` is a label as any other, and nothing that an object has by itself. */
  #own(name: string): unknown {
    return Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
  }
}

/** The object as a place: the root of all paths. */
export const rootOf = (object: Fields): Place => new Place('', object);
