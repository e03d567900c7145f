import type { DiscoveredResource } from '../discovery.ts';
import type { KubeObject, OwnerReference } from '../../../kube/types/meta.ts';

/** What garbage collection needs to know of an object. */
export interface GraphObject {
  readonly uid: string;
  readonly resource: DiscoveredResource;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
}

export const FOREGROUND_FINALIZER = 'foregroundDeletion';
export const ORPHAN_FINALIZER = 'orphan';

export function graphObject(resource: DiscoveredResource, object: KubeObject): GraphObject {
  const { metadata } = object;
  return {
    uid: metadata.uid ?? '',
    resource,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    owners: metadata.ownerReferences ?? [],
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
  };
}

/** Deleted in the foreground: it goes last, after the dependents that block it. */
export const waitsForDependents = (object: Pick<GraphObject, 'deleting' | 'finalizers'>): boolean =>
  object.deleting && object.finalizers.includes(FOREGROUND_FINALIZER);

/** Deleted with its dependents left behind. */
export const leavesOrphans = (object: Pick<GraphObject, 'deleting' | 'finalizers'>): boolean =>
  object.deleting && object.finalizers.includes(ORPHAN_FINALIZER);

/** All objects by uid, and who depends on whom. */
export class OwnerGraph {
  readonly #objects = new Map<string, GraphObject>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphObject | undefined {
    return this.#objects.get(uid);
  }

  dependentsOf(uid: string): readonly GraphObject[] {
    const found: GraphObject[] = [];
    for (const each of this.#dependents.get(uid) ?? []) {
      const object = this.#objects.get(each);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  put(object: GraphObject): void {
    this.remove(object.uid);
    this.#objects.set(object.uid, object);
    for (const { uid } of object.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set<string>();
      this.#dependents.set(uid, dependents.add(object.uid));
    }
  }

  remove(uid: string): void {
    const object = this.#objects.get(uid);
    if (object === undefined) return;
    this.#objects.delete(uid);
    for (const owner of object.owners) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}
