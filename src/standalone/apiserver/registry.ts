import { keyOfKind } from './kind.ts';
import type { Kind } from './kind.ts';

/** The kinds that are served. */
export class Registry {
  readonly #kinds: ReadonlyMap<string, Kind>;

  constructor(kinds: readonly Kind[]) {
    this.#kinds = new Map(kinds.map(kind => [keyOfKind(kind), kind]));
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#kinds.get(keyOfKind({ group, version, plural }));
  }

  all(): readonly Kind[] {
    return [...this.#kinds.values()];
  }
}
