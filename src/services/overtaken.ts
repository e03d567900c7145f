import type { Draw, Element, ElementGroup } from './compile-nft.ts';
import type { GroupDelta } from './compile-delta.ts';
import { deltaOf, isNothing } from './compile-delta.ts';

/**
 * What single changes did while the whole table was being compared: they know better than what was read before them, so
 * the comparison leaves what they touched alone.
 */
export class Overtaken {
  readonly #compared: ReadonlyMap<string, ElementGroup>;
  readonly #groups = new Set<string>();
  readonly #elements = new Set<string>();
  readonly #draws: Draw[] = [];

  /** @param compared - what the comparison holds the kernel against. */
  constructor(compared: ReadonlyMap<string, ElementGroup> = new Map()) {
    this.#compared = compared;
  }

  /** A group, with what the kernel had of it and what it has now. */
  note(
    key: string,
    before: Pick<ElementGroup, 'elements'> | undefined,
    after: ElementGroup | undefined,
  ): void {
    // What changes nothing must not keep somebody else's damage out of sight.
    if (isSame(before, after) && isSame(this.#compared.get(key), after)) return;
    this.#groups.add(key);
    for (const element of [...(before?.elements ?? []), ...(after?.elements ?? [])])
      this.#elements.add(placeOf(element));
    this.#draws.push(...(after?.draws ?? []));
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  get groups(): Iterable<string> {
    return this.#groups;
  }

  /** Chains that are needed now. */
  get draws(): readonly Draw[] {
    return this.#draws;
  }

  hasGroup(key: string): boolean {
    return this.#groups.has(key);
  }

  /** What of these differences is still one. */
  without(deltas: readonly GroupDelta[]): readonly GroupDelta[] {
    if (this.isEmpty) return deltas;
    return deltas.flatMap(delta => {
      if (this.#groups.has(delta.key)) return [];
      // Elements that nobody asked for when they were read: somebody may ask for them now.
      if (delta.group !== undefined) return [delta];
      const left = { ...delta, remove: delta.remove.filter(one => !this.#elements.has(placeOf(one))) };
      return isNothing(left) ? [] : [left];
    });
  }
}

const isSame = (
  before: Pick<ElementGroup, 'elements'> | undefined,
  after: ElementGroup | undefined,
): boolean => isNothing(deltaOf('', before?.elements ?? [], after));

const placeOf = ({ set, key }: Element): string => `${set} ${key}`;
