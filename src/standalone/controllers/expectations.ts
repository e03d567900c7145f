/**
 * What a controller has asked for and its cache does not show yet. Without it, a slow cache would make it create twice.
 * Creations are known by the names chosen for them, deletions by uid.
 */
export class Expectations {
  /** Owner key → pod key → when it was asked for. */
  readonly #creations = new Map<string, Map<string, number>>();
  /** Owner key → uids. */
  readonly #deletions = new Map<string, Set<string>>();

  expectCreation(owner: string, pod: string, now: number): void {
    const pods = this.#creations.get(owner) ?? new Map<string, number>();
    this.#creations.set(owner, pods.set(pod, now));
  }

  expectDeletion(owner: string, uid: string): void {
    const uids = this.#deletions.get(owner) ?? new Set<string>();
    this.#deletions.set(owner, uids.add(uid));
  }

  /** The pod was seen, or it is certain that it was not created. */
  settleCreation(owner: string, pod: string): void {
    const pods = this.#creations.get(owner);
    pods?.delete(pod);
    if (pods?.size === 0) this.#creations.delete(owner);
  }

  /** The pod was seen terminating or gone, or it is certain that the deletion was refused. */
  settleDeletion(owner: string, uid: string): void {
    const uids = this.#deletions.get(owner);
    uids?.delete(uid);
    if (uids?.size === 0) this.#deletions.delete(owner);
  }

  /** Pod key → when its creation was asked for, for those that were not seen yet. */
  creations(owner: string): ReadonlyMap<string, number> {
    return this.#creations.get(owner) ?? NO_CREATIONS;
  }

  deletions(owner: string): ReadonlySet<string> {
    return this.#deletions.get(owner) ?? NO_DELETIONS;
  }

  forget(owner: string): void {
    this.#creations.delete(owner);
    this.#deletions.delete(owner);
  }
}

const NO_CREATIONS: ReadonlyMap<string, number> = new Map();
const NO_DELETIONS: ReadonlySet<string> = new Set();
