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
    const problems = (name: string) => nameProblems(name, kind.nameFormat ?? 'subdomain');
    // A beginning may end in a dash: something follows it.
    const base = place.child('generateName');
    if (base.text !== '') {
      for (const complaint of problems(base.text.replace(/-$/, 'a')))
        found.invalid(base, complaint, base.text);
    }
    found.complaints(place.child('name'), problems);
  }
  checkLabels(found, place.child('labels'));
  checkAnnotations(found, place.child('annotations'));
  checkOwners(found, place.child('ownerReferences'));
  checkFinalizers(found, place.child('finalizers'), before === undefined && takesOnlyStandard(kind));
  checkNewFinalizers(found, place.child('finalizers'), before);
  return found.errors;
}

/** Custom resources and their definitions may have finalizers without a domain. */
const takesOnlyStandard = (kind: Kind): boolean =>
  kind.openApi === undefined && kind.group !== 'apiextensions.k8s.io';

const STANDARD_FINALIZERS = ['orphan', 'foregroundDeletion', 'kubernetes'];

/** Old objects may have finalizers without a domain; they can be kept. */
function checkFinalizers(found: Findings, finalizers: Place, isStrict: boolean): void {
  for (const { text } of finalizers.items()) {
    for (const complaint of qualifiedName(text)) found.invalid(finalizers, complaint, text);
  }
  const { texts } = finalizers;
  if (texts.includes('orphan') && texts.includes('foregroundDeletion')) {
    found.invalid(finalizers, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
  if (!isStrict) return;
  for (const finalizer of finalizers.items()) {
    if (STANDARD_FINALIZERS.includes(finalizer.text) || finalizer.text.includes('/')) continue;
    found.invalid(finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
}

function checkOwners(found: Findings, owners: Place): void {
  for (const owner of owners.items()) {
    // Upstream does not say which one of the list it means.
    const complain = (field: string, detail: string) =>
      found.add({ type: 'Invalid', field: `metadata.ownerReferences.${field}`, value: '', detail });
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (owner.child(field).text !== '') continue;
      complain(field, field === 'apiVersion' ? 'version must not be empty' : 'must not be empty');
    }
    const [apiVersion, kind] = [owner.child('apiVersion').text, owner.child('kind').text];
    if (kind === 'Event' && (apiVersion === 'v1' || apiVersion.startsWith('events.k8s.io/'))) {
      const type = apiVersion === 'v1' ? '/v1' : apiVersion;
      const detail = `${type}, Kind=Event is disallowed from being an owner`;
      found.add({ type: 'Invalid', field: 'metadata.ownerReferences', value: owner.value, detail });
    }
  }
  const controllers = owners.items().filter(owner => owner.child('controller').flag);
  const [first, second] = controllers.map(owner => `${owner.child('kind').text}/${owner.child('name').text}`);
  if (second !== undefined) {
    const both = `Found "true" in references for ${first} and ${second}`;
    found.invalid(owners, `Only one reference can have Controller set to true. ${both}`);
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
