import type { OwnerReference } from '../../../kube/types/meta.ts';
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER, waitsForDependents } from './graph.ts';
import type { GraphObject } from './graph.ts';

/**
 * What is known of an owner. `absent`: it is certain that no object with this uid is where the reference says.
 * `waiting`: it is being deleted in the foreground and wants this dependent gone first. `unknown`: its kind cannot be
 * looked up; then nothing is collected.
 */
export type OwnerState = 'present' | 'absent' | 'waiting' | 'unknown';

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';

export type Collection =
  | { readonly kind: 'keep' }
  | { readonly kind: 'delete'; readonly propagationPolicy: PropagationPolicy }
  /** Some owners are left: only the references to the others go. */
  | { readonly kind: 'strip'; readonly uids: ReadonlySet<string> };

const KEEP: Collection = { kind: 'keep' };

/** What becomes of an object whose owners are in these states. An object stays for as long as one owner is present. */
export function collect(
  object: GraphObject,
  stateOf: (owner: OwnerReference) => OwnerState,
  dependents: readonly GraphObject[],
): Collection {
  if (object.deleting && !waitsForDependents(object)) return KEEP;
  if (object.owners.length === 0) return KEEP;
  const states = object.owners.map(owner => ({ uid: owner.uid, state: stateOf(owner) }));
  const gone = states.filter(({ state }) => state === 'absent' || state === 'waiting');
  if (gone.length === 0) return KEEP;
  if (gone.length < states.length) return { kind: 'strip', uids: new Set(gone.map(({ uid }) => uid)) };
  if (object.deleting) return KEEP; // it waits for its own dependents already
  const isWaitedFor = states.some(({ state }) => state === 'waiting');
  // The order is kept down the tree: an owner that waits for this object waits for what is below it as well.
  if (isWaitedFor && dependents.length > 0 && !isCircle(object, dependents)) {
    return { kind: 'delete', propagationPolicy: 'Foreground' };
  }
  return { kind: 'delete', propagationPolicy: policyOf(object) };
}

/** Those that an object deleted in the foreground still waits for. */
export function blockers(object: GraphObject, dependents: readonly GraphObject[]): readonly GraphObject[] {
  return dependents.filter(dependent =>
    dependent.owners.some(owner => owner.uid === object.uid && owner.blockOwnerDeletion === true),
  );
}

/**
 * Whether a reference can mean anything: a namespaced owner is in its dependent's namespace, so a cluster-scoped object
 * cannot have one. (An owner in another namespace is found to be absent, since it is not where the reference points.)
 */
export function isOutOfScope(object: GraphObject, ownerIsNamespaced: boolean): boolean {
  return ownerIsNamespaced && object.namespace === '';
}

/** Two objects that own each other would wait for each other for ever. */
function isCircle(object: GraphObject, dependents: readonly GraphObject[]): boolean {
  return dependents.some(dependent => object.owners.some(owner => owner.uid === dependent.uid));
}

/** A finalizer says how the object was meant to be deleted. */
function policyOf(object: GraphObject): PropagationPolicy {
  if (object.finalizers.includes(ORPHAN_FINALIZER)) return 'Orphan';
  return object.finalizers.includes(FOREGROUND_FINALIZER) ? 'Foreground' : 'Background';
}
