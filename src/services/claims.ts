import type { ElementGroup, ServiceProgram } from './compile-nft.ts';
import type { ServicePart } from './model.ts';
import { StoredGroup } from './stored-part.ts';

/** What a group is to be; absent `group`: nobody asks for it any more. */
export interface GroupChange {
  readonly key: string;
  readonly group: ElementGroup | undefined;
}

/**
 * Who asks for what, and who gets it: the same as `compileNft` of all parts, kept so that the change of one Service
 * costs what that Service has.
 */
export class Claims {
  readonly #groupsOf = new Map<string, readonly StoredGroup[]>();
  /** By group; nearly always one alone. */
  readonly #claimants = new Map<string, StoredGroup | readonly StoredGroup[]>();
  readonly #parts = new Map<string, ServicePart>();

  get parts(): Iterable<ServicePart> {
    return this.#parts.values();
  }

  part(service: string): ServicePart | undefined {
    return this.#parts.get(service);
  }

  /** Whose a group is, of those who ask for it. */
  ownerOf(groupKey: string): ServicePart | undefined {
    return this.#winner(groupKey)?.part;
  }

  /** What is to be in force of a group. */
  get(groupKey: string): ElementGroup | undefined {
    return this.#winner(groupKey);
  }

  *program(): Iterable<readonly [string, ElementGroup]> {
    for (const key of this.#claimants.keys()) {
      const group = this.get(key);
      if (group !== undefined) yield [key, group];
    }
  }

  /** Who has a group that this Service asks for as well, and asked for it earlier. */
  ownerBefore(service: string, groupKey: string): ServicePart | undefined {
    const winner = this.#winner(groupKey);
    return winner?.part.key === service ? undefined : winner?.part;
  }

  /** Others who ask for what this Service asks for: they gain or lose by its changes. */
  rivalsOf(service: string): ReadonlySet<string> {
    const rivals = new Set<string>();
    for (const { key } of this.#groupsOf.get(service) ?? [])
      for (const { part } of this.#claimantsOf(key)) if (part.key !== service) rivals.add(part.key);
    return rivals;
  }

  /** Keys of what a Service asks for. */
  *groupsOf(service: string): Iterable<string> {
    for (const { key } of this.#groupsOf.get(service) ?? []) yield key;
  }

  /** Takes what a Service asks for now; undefined when it is gone. */
  replace(service: string, part: ServicePart | undefined, groups: ServiceProgram): void {
    const before = this.#groupsOf.get(service) ?? [];
    const after =
      part === undefined ? [] : [...groups].map(([key, group]) => new StoredGroup(key, part, group));
    for (const group of before) this.#withdraw(group);
    if (part === undefined) {
      this.#parts.delete(service);
      this.#groupsOf.delete(service);
    } else {
      this.#parts.set(service, part);
      this.#groupsOf.set(service, after);
      for (const group of after) this.#claim(group);
    }
  }

  #claimantsOf(key: string): readonly StoredGroup[] {
    const found = this.#claimants.get(key);
    if (found === undefined) return [];
    return found instanceof StoredGroup ? [found] : found;
  }

  #claim(group: StoredGroup): void {
    const others = this.#claimantsOf(group.key);
    this.#claimants.set(group.key, others.length === 0 ? group : [...others, group]);
  }

  #withdraw(group: StoredGroup): void {
    const [first, ...more] = this.#claimantsOf(group.key).filter(other => other !== group);
    if (first === undefined) this.#claimants.delete(group.key);
    else this.#claimants.set(group.key, more.length === 0 ? first : [first, ...more]);
  }

  #winner(key: string): StoredGroup | undefined {
    const found = this.#claimants.get(key);
    if (found === undefined || found instanceof StoredGroup) return found;
    return found.reduce((oldest, one) => (one.part.age < oldest.part.age ? one : oldest));
  }
}
