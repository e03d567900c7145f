import { keyOfKind } from './kind.ts';
import type { Kind } from './kind.ts';

/** The kinds that are served: those that are built in, and those of definitions, which stand before them. */
export class Registry {
  readonly #builtIn: readonly Kind[];
  readonly #custom = new Map<string, readonly Kind[]>();
  #kinds: ReadonlyMap<string, Kind>;
  #revision = 0;
  readonly #listeners = new Set<() => void>();

  constructor(kinds: readonly Kind[]) {
    this.#builtIn = kinds;
    this.#kinds = new Map(kinds.map(kind => [keyOfKind(kind), kind]));
  }

  /** Changes with the kinds that are served. */
  get revision(): number {
    return this.#revision;
  }

  /** Calls `listener` whenever other kinds are served; returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#kinds.get(keyOfKind({ group, version, plural }));
  }

  all(): readonly Kind[] {
    return [...this.#kinds.values()];
  }

  isBuiltIn(kind: Kind): boolean {
    return this.#builtIn.includes(kind);
  }

  /** Serves these kinds for a definition; none: serves what it had no more. A built-in kind of the same resource steps back. */
  setCustom(definition: string, kinds: readonly Kind[]): void {
    if (kinds.length === 0) this.#custom.delete(definition);
    else this.#custom.set(definition, kinds);
    const custom = [...this.#custom.values()].flat();
    const taken = new Set(custom.map(resourceOf));
    const served = [...this.#builtIn.filter(kind => !taken.has(resourceOf(kind))), ...custom];
    this.#kinds = new Map(served.map(kind => [keyOfKind(kind), kind]));
    this.#revision++;
    for (const listener of this.#listeners) listener();
  }
}

const resourceOf = ({ group, plural }: Kind): string => `${plural}.${group}`;
