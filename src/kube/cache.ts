import { keyOf } from './resources.ts';
import type { KubeObject } from './types/meta.ts';

/** Names of indexes, each with the values under which an object is found (node name, owner uid, address, label). */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** What happened to one object: `before` is absent when it is new, `after` when it is gone. */
export interface Change<T> {
  readonly before?: T;
  readonly after?: T;
}

/** What readers see of the objects of a resource: the state after the last change that was announced. */
export interface Cache<T> {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  get(key: string): T | undefined;
  /** The same array for as long as nothing changed. */
  list(): readonly T[];
  by(index: string, value: string): readonly T[];
  readonly size: number;
  /** The collection's version that the cache has reached; empty before the first list. */
  readonly resourceVersion: string;
}

/** The cache's writable side, for the informer that fills it. Objects must be frozen already. */
export class IndexedCache<T extends KubeObject> implements Cache<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: readonly (readonly [string, (object: T) => readonly string[]])[];
  readonly #found = new Map<string, Map<string, Map<string, T>>>();
  #list: readonly T[] | undefined;
  resourceVersion = '';

  readonly #onIndexError: (index: string, object: T, error: unknown) => void;

  /** An index that fails on an object that is not what it should be has no values for it: it is told, once a change. */
  constructor(
    indexes: Indexes<T> = {},
    onIndexError: (index: string, object: T, error: unknown) => void = () => undefined,
  ) {
    this.#onIndexError = onIndexError;
    this.#indexes = Object.entries(indexes);
    for (const [name] of this.#indexes) this.#found.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    this.#list ??= Object.freeze([...this.#objects.values()]);
    return this.#list;
  }

  by(index: string, value: string): readonly T[] {
    const values = this.#found.get(index);
    if (values === undefined) throw new RangeError(`the cache has no index named ${index}`);
    const found = values.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** Stores the object and returns the one that it replaces. */
  put(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined) this.#unindex(key, before);
    this.#objects.set(key, object);
    for (const [name, valuesOf] of this.#indexes) {
      const values = this.#found.get(name) ?? new Map<string, Map<string, T>>();
      for (const value of this.#valuesOf(name, valuesOf, object)) {
        const found = values.get(value);
        if (found === undefined) values.set(value, new Map([[key, object]]));
        else found.set(key, object);
      }
    }
    this.#list = undefined;
    return before;
  }

  remove(key: string): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#unindex(key, before);
    this.#objects.delete(key);
    this.#list = undefined;
    return before;
  }

  #valuesOf(name: string, valuesOf: (object: T) => readonly string[], object: T): readonly string[] {
    try {
      return valuesOf(object);
    } catch (error) {
      this.#onIndexError(name, object, error);
      return [];
    }
  }

  #unindex(key: string, object: T): void {
    for (const [name, valuesOf] of this.#indexes) {
      const values = this.#found.get(name);
      for (const value of this.#valuesOf(name, valuesOf, object)) {
        const found = values?.get(value);
        found?.delete(key);
        if (found?.size === 0) values?.delete(value);
      }
    }
  }
}
