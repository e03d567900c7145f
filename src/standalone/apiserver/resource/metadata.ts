import type { FieldError, Kind } from '../kind.ts';
import type { ApiObject, ObjectMeta, OwnerReference } from '../object.ts';
import { labelValue, qualifiedName } from '../kinds/text/names.ts';
import { nameProblems } from './names.ts';

/** Bytes of all annotations together (TotalAnnotationSizeLimitB). */
const ANNOTATION_BYTES = 256 * 1024;

/** The rules that metadata has in every kind. */
export function validateMetadata(
  kind: Kind,
  metadata: ObjectMeta,
  before: ObjectMeta | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const invalid = (field: string, value: unknown, detail: string) =>
    errors.push({ type: 'Invalid', field: `metadata.${field}`, value, detail });
  if (before === undefined) {
    for (const problem of nameProblems(metadata.name ?? '', kind.nameFormat ?? 'subdomain')) {
      invalid('name', metadata.name, problem);
    }
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    for (const problem of qualifiedName(key)) invalid('labels', key, problem);
    for (const problem of labelValue(value)) invalid('labels', value, problem);
  }
  let size = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    for (const problem of qualifiedName(key.toLowerCase())) invalid('annotations', key, problem);
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATION_BYTES) {
    const detail = `may not be more than ${ANNOTATION_BYTES} bytes`;
    errors.push({ type: 'TooLong', field: 'metadata.annotations', detail });
  }
  for (const [index, finalizer] of (metadata.finalizers ?? []).entries()) {
    const plain = finalizer === 'orphan' || finalizer === 'foregroundDeletion' || finalizer === 'kubernetes';
    if (qualifiedName(finalizer).length > 0 || (!plain && !finalizer.includes('/') && before === undefined)) {
      invalid(
        `finalizers[${index}]`,
        finalizer,
        'name is neither a standard finalizer name nor is it fully qualified',
      );
    }
  }
  errors.push(...ownerProblems(metadata.ownerReferences ?? []), ...newFinalizerProblems(metadata, before));
  return errors;
}

function ownerProblems(owners: readonly OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, owner] of owners.entries()) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (typeof owner[field] === 'string' && owner[field] !== '') continue;
      const path = `metadata.ownerReferences[${index}].${field}`;
      errors.push({
        type: 'Invalid',
        field: path,
        value: owner[field] ?? '',
        detail: `${field} must not be empty`,
      });
    }
  }
  if (owners.filter(owner => owner.controller === true).length > 1) {
    const detail = 'Only one reference can have Controller set to true';
    errors.push({ type: 'Invalid', field: 'metadata.ownerReferences', value: owners, detail });
  }
  return errors;
}

function newFinalizerProblems(metadata: ObjectMeta, before: ObjectMeta | undefined): FieldError[] {
  if (before?.deletionTimestamp === undefined) return [];
  const added = (metadata.finalizers ?? []).filter(
    finalizer => before.finalizers?.includes(finalizer) !== true,
  );
  if (added.length === 0) return [];
  const list = added.map(finalizer => JSON.stringify(finalizer)).join(', ');
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [{ type: 'Forbidden', field: 'metadata.finalizers', detail }];
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
