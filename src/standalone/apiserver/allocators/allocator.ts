import type { Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';

/**
 * Fills in what the server hands out from a pool (Service addresses, node ports). Called within the write, on the newest
 * state: what `assign` returns is claimed by `claim` only if the write is not a dry run.
 */
export interface Allocator {
  appliesTo(kind: Kind): boolean;
  /** The object with everything assigned; throws a StatusError when the wish cannot be met. */
  assign(object: ApiObject, before: ApiObject | undefined): ApiObject;
  /** The write is staged: from now on its values are taken, and those of `before` that it no longer has are free. */
  claim(object: ApiObject | undefined, before: ApiObject | undefined): void;
  /** Addresses that are kept for the server's own Service, the primary family first. */
  reserved?(): readonly string[];
  /** Forgets all claims and takes those of the newest objects: at start, and after staged writes were lost. */
  rebuild(): void;
}

/** The allocators of a server as one. */
export class Allocators {
  readonly #all: readonly Allocator[];

  constructor(all: readonly Allocator[]) {
    this.#all = all;
  }

  assign(kind: Kind, object: ApiObject, before: ApiObject | undefined): ApiObject {
    return this.#of(kind).reduce((assigned, allocator) => allocator.assign(assigned, before), object);
  }

  claim(kind: Kind, object: ApiObject | undefined, before: ApiObject | undefined): void {
    for (const allocator of this.#of(kind)) allocator.claim(object, before);
  }

  reserved(): readonly string[] {
    return this.#all.flatMap(allocator => allocator.reserved?.() ?? []);
  }

  rebuild(): void {
    for (const allocator of this.#all) allocator.rebuild();
  }

  #of(kind: Kind): readonly Allocator[] {
    return this.#all.filter(allocator => allocator.appliesTo(kind));
  }
}
