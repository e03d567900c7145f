import type { Cache } from '../../kube/cache.ts';
import { keyOf } from '../../kube/resources.ts';
import { matchesSelector } from '../../kube/selector.ts';
import type { KubeObject, LabelSelector, ObjectMeta, OwnerReference } from '../../kube/types/meta.ts';

/** The one owner that manages the object (`controller: true`), if it has one. */
export function controllerOf(object: { readonly metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(reference => reference.controller === true);
}

/** An object of the kind that owns others by its selector; without one it adopts nothing. */
export interface SelectingOwner extends KubeObject {
  readonly spec: { readonly selector?: LabelSelector };
}

/**
 * Keys of the owners of a kind that a dependent concerns: its controller, or all that might adopt it. The cache needs
 * the index `namespace`.
 */
export function ownersConcerned(
  owners: Cache<SelectingOwner>,
  kind: string,
  dependent: KubeObject | undefined,
): readonly string[] {
  if (dependent === undefined) return [];
  const { namespace = '', labels = {} } = dependent.metadata;
  const controller = controllerOf(dependent);
  if (controller !== undefined) return controller.kind === kind ? [`${namespace}/${controller.name}`] : [];
  return owners
    .by('namespace', namespace)
    .filter(({ spec: { selector } }) => selector !== undefined && matchesSelector(selector, labels))
    .map(keyOf);
}

/** The reference that a controller puts on what it creates or adopts. */
export function controllerReference(
  owner: KubeObject,
  type: { readonly apiVersion: string; readonly kind: string },
): OwnerReference {
  return {
    apiVersion: type.apiVersion,
    kind: type.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** What to do with one possible dependent, so that exactly the matching ones are owned. */
export type Claim = 'owned' | 'adopt' | 'release' | 'none';

/**
 * The rule by which controllers of the apps group own objects: a matching orphan is adopted, an owned object that no
 * longer matches is released, another controller's object is never touched. An owner or dependent that is being deleted
 * adopts and releases nothing.
 */
export function claim(
  owner: { readonly metadata: ObjectMeta },
  dependent: { readonly metadata: ObjectMeta },
  matches: boolean,
): Claim {
  const controller = controllerOf(dependent);
  const ownerGoes = owner.metadata.deletionTimestamp !== undefined;
  const dependentGoes = dependent.metadata.deletionTimestamp !== undefined;
  if (controller !== undefined) {
    if (controller.uid !== owner.metadata.uid) return 'none';
    if (matches) return 'owned';
    return ownerGoes || dependentGoes ? 'none' : 'release';
  }
  return matches && !ownerGoes && !dependentGoes ? 'adopt' : 'none';
}

/** The dependents split by what has to happen to them. */
export interface Claims<T> {
  readonly owned: readonly T[];
  readonly adopt: readonly T[];
  readonly release: readonly T[];
}

export function claimAll<T extends { readonly metadata: ObjectMeta }>(
  owner: { readonly metadata: ObjectMeta },
  candidates: readonly T[],
  matches: (candidate: T) => boolean,
): Claims<T> {
  const claims = { owned: [] as T[], adopt: [] as T[], release: [] as T[] };
  for (const candidate of candidates) {
    const verdict = claim(owner, candidate, matches(candidate));
    if (verdict !== 'none') claims[verdict].push(candidate);
  }
  return claims;
}

/** A merge patch that makes `reference` one of the owners; the uid makes it fail on a namesake. */
export function adoptPatch(dependent: KubeObject, reference: OwnerReference): object {
  const others = dependent.metadata.ownerReferences ?? [];
  return ownersPatch(dependent, [...others, reference]);
}

/** A merge patch that takes every reference to these owners away. */
export function releasePatch(dependent: KubeObject, ownerUids: ReadonlySet<string>): object {
  const rest = (dependent.metadata.ownerReferences ?? []).filter(reference => !ownerUids.has(reference.uid));
  return ownersPatch(dependent, rest);
}

/** The resourceVersion makes the patch fail with a conflict when the owners were changed by someone else meanwhile. */
function ownersPatch(dependent: KubeObject, ownerReferences: readonly OwnerReference[]): object {
  const { uid, resourceVersion } = dependent.metadata;
  return { metadata: { uid, resourceVersion, ownerReferences } };
}
