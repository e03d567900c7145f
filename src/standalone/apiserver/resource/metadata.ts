import type { FieldError, Kind } from '../kind.ts';
import { qualifiedName } from '../kinds/text/names.ts';
import { Findings } from '../kinds/validation/findings.ts';
import { checkAnnotations, checkLabels } from '../kinds/validation/labels.ts';
import { rootOf } from '../kinds/validation/place.ts';
import type { Place } from '../kinds/validation/place.ts';
import type { ApiObject, ObjectMeta } from '../object.ts';
import { nameProblems } from './names.ts';

/** The rules that metadata has in every kind. */
export function validateMetadata(
  kind: Kind,
  metadata: ObjectMeta,
  before: ObjectMeta | undefined,
): readonly FieldError[] {
  const found = new Findings();
  const place = rootOf({ metadata }).child('metadata');
  if (before === undefined) {
    found.complaints(place.child('name'), name => nameProblems(name, kind.nameFormat ?? 'subdomain'));
  }
  checkLabels(found, place.child('labels'));
  checkAnnotations(found, place.child('annotations'));
  for (const finalizer of place.child('finalizers').items()) {
    if (isFinalizer(finalizer.text, before === undefined && takesOnlyStandard(kind))) continue;
    found.invalid(finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
  checkOwners(found, place.child('ownerReferences'));
  checkNewFinalizers(found, place.child('finalizers'), before);
  return found.errors;
}

/** Custom resources and their definitions may have finalizers without a domain. */
const takesOnlyStandard = (kind: Kind): boolean =>
  kind.openApi === undefined && kind.group !== 'apiextensions.k8s.io';

const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes'];

/** Old objects may have finalizers without a domain; they can be kept. */
function isFinalizer(text: string, isStrict: boolean): boolean {
  if (qualifiedName(text).length > 0) return false;
  return STANDARD_FINALIZERS.includes(text) || text.includes('/') || !isStrict;
}

function checkOwners(found: Findings, owners: Place): void {
  for (const owner of owners.items()) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (owner.child(field).text === '') found.invalid(owner.child(field), `${field} must not be empty`);
    }
  }
  if (owners.items().filter(owner => owner.child('controller').flag).length > 1) {
    found.invalid(owners, 'Only one reference can have Controller set to true');
  }
}

function checkNewFinalizers(found: Findings, finalizers: Place, before: ObjectMeta | undefined): void {
  if (before?.deletionTimestamp === undefined) return;
  const added = finalizers.texts.filter(finalizer => before.finalizers?.includes(finalizer) !== true);
  if (added.length === 0) return;
  const list = added.map(finalizer => JSON.stringify(finalizer)).join(', ');
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  found.forbidden(finalizers, detail);
}

/** What a client may not decide about a new object is dropped or set. */
export function newMetadata(
  metadata: ObjectMeta,
  given: { readonly namespace: string; readonly name: string; readonly uid: string; readonly now: string },
  countsGenerations: boolean,
): ObjectMeta {
  const { labels, annotations, ownerReferences, finalizers, generateName } = metadata;
  return {
    name: given.name,
    ...(generateName === undefined || generateName === '' ? {} : { generateName }),
    ...(given.namespace === '' ? {} : { namespace: given.namespace }),
    uid: given.uid,
    ...(countsGenerations ? { generation: 1 } : {}),
    creationTimestamp: given.now,
    ...filled({ labels, annotations, ownerReferences, finalizers }),
  };
}

/** What a client may change of an object that exists; the rest stays as it was. */
export function changedMetadata(metadata: ObjectMeta, before: ObjectMeta): ObjectMeta {
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  const { labels: _l, annotations: _a, ownerReferences: _o, finalizers: _f, ...kept } = before;
  return { ...kept, ...filled({ labels, annotations, ownerReferences, finalizers }) };
}

function filled(metadata: {
  readonly [Field in keyof ObjectMeta]?: ObjectMeta[Field] | undefined;
}): ObjectMeta {
  const isFilled = (value: unknown) =>
    Array.isArray(value) ? value.length > 0 : Object.keys(value ?? {}).length > 0;
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => isFilled(value)));
}

/** True if nothing holds a deleted object any longer. */
export function isReadyToGo(kind: Kind, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return (
    deletionTimestamp !== undefined &&
    (deletionGracePeriodSeconds ?? 0) === 0 &&
    (finalizers ?? []).length === 0 &&
    kind.strategy.isHeld?.(object) !== true
  );
}
