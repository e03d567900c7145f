import type { ElementGroup, ServiceProgram } from './compile-nft.ts';
import type { ServicePart } from './model.ts';

/** A group whose content differs from before; absent `group`: nobody asks for it any more. */
export interface GroupChange {
  readonly key: string;
  readonly group: ElementGroup | undefined;
}

interface Claimant {
  readonly part: ServicePart;
  readonly group: ElementGroup;
}

/**
 * Who asks for what, and who gets it: the same as `compileNft` of all parts, kept so that the change of one Service
 * costs what that Service has.
 */
export class Claims {
  readonly #groupsOf = new Map<string, ServiceProgram>();
  /** By group, the claimants by Service; nearly always one. */
  readonly #claimants = new Map<string, Map<string, Claimant>>();
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
    return this.#winner(groupKey)?.group;
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
    for (const key of this.#groupsOf.get(service)?.keys() ?? [])
      for (const other of this.#claimants.get(key)?.keys() ?? []) if (other !== service) rivals.add(other);
    return rivals;
  }

  /** Takes what a Service asks for now; undefined when it is gone. */
  replace(service: string, part: ServicePart | undefined, groups: ServiceProgram): readonly GroupChange[] {
    const before = this.#groupsOf.get(service) ?? new Map<string, ElementGroup>();
    const touched = new Set([...before.keys(), ...groups.keys()]);
    const earlier = new Map([...touched].map(key => [key, this.get(key)]));
    for (const key of before.keys()) if (!groups.has(key)) this.#withdraw(key, service);
    if (part === undefined) {
      this.#parts.delete(service);
      this.#groupsOf.delete(service);
    } else {
      this.#parts.set(service, part);
      this.#groupsOf.set(service, groups);
      for (const [key, group] of groups) this.#claim(key, service, { part, group });
    }
    return [...touched].flatMap(key => {
      const group = this.get(key);
      return isSameGroup(earlier.get(key), group) ? [] : [{ key, group }];
    });
  }

  #claim(key: string, service: string, claimant: Claimant): void {
    const claimants = this.#claimants.get(key);
    if (claimants === undefined) this.#claimants.set(key, new Map([[service, claimant]]));
    else claimants.set(service, claimant);
  }

  #withdraw(key: string, service: string): void {
    const claimants = this.#claimants.get(key);
    claimants?.delete(service);
    if (claimants?.size === 0) this.#claimants.delete(key);
  }

  #winner(key: string): Claimant | undefined {
    let winner: Claimant | undefined;
    for (const claimant of this.#claimants.get(key)?.values() ?? [])
      if (winner === undefined || claimant.part.age < winner.part.age) winner = claimant;
    return winner;
  }
}

/** Whether the kernel would hold the same for both. */
export function isSameGroup(a: ElementGroup | undefined, b: ElementGroup | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.elements.length === b.elements.length &&
    a.elements.every((element, index) => {
      const other = b.elements[index];
      return element.set === other?.set && element.key === other.key && element.value === other.value;
    })
  );
}
