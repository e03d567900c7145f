import { keyOfKind } from './kind.ts';
import type { Kind } from './kind.ts';

/** The kinds that are served right now. Custom resources come and go; discovery follows. */
export class Registry {
  readonly #kinds = new Map<string, Kind>();
  #generation = 0;

  constructor(kinds: readonly Kind[]) {
    for (const kind of kinds) this.#kinds.set(keyOfKind(kind), kind);
  }

  /** Changes whenever a kind was added or removed: caches of discovery compare it. */
  get generation(): number {
    return this.#generation;
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#kinds.get(`${group}/${version}/${plural}`);
  }

  all(): readonly Kind[] {
    return [...this.#kinds.values()];
  }

  add(kind: Kind): void {
    this.#kinds.set(keyOfKind(kind), kind);
    this.#generation++;
  }

  remove(kind: Kind): void {
    if (this.#kinds.delete(keyOfKind(kind))) this.#generation++;
  }
}
