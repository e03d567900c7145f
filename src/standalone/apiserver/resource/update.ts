import { assertNoEscalation } from '../access/escalation.ts';
import { decodeBody } from '../codec/body.ts';
import { equalJson } from '../codec/json.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest, conflict, invalid, modified, notFound } from '../status.ts';
import type { Decision, Written } from '../store/store.ts';
import { createObject, namespaced, ownersBy, withoutFields } from './create.ts';
import { checkBody, fieldValidationOf } from './decode.ts';
import { changedMetadata, isReadyToGo, validateMetadata } from './metadata.ts';
import { isSameButTimes, ownersAfterUpdate, withOwners, writerOf } from './ownership.ts';
import { answerObject } from './present.ts';
import { isDryRun, keyOfTarget, objectsOf, userOf } from './target.ts';
import type { Target } from './target.ts';

/** PUT of an object, its status, or a namespace's finalizers. */
export async function update(target: Target): Promise<ApiResponse> {
  const { context, kind, request, name } = target;
  const body = await decodeBody(request, context.schemas);
  if (body === undefined) throw badRequest('the body of an update request is empty');
  const checked = checkBody(body, kind, fieldValidationOf(request.query));
  const object = namespaced(checked.object, target);
  assertSameName(object, name);
  if (mayCreate(target, object)) {
    assertNoEscalation(context, userOf(request), kind, object);
    const owners = ownersBy(kind, writerOf(target));
    const written = await createObject(context, kind, object, isDryRun(target), owners);
    return answerObject(target, written.entry, 201, checked.warnings);
  }
  const written = await changeObject(target, () => object);
  const warnings = kind.strategy.warnings?.(written.entry.object) ?? [];
  return answerObject(target, written.entry, 200, [...checked.warnings, ...warnings]);
}

/**
 * The one way in which a stored object changes: `change` gives the wished object from the newest one; what the client
 * may not change is put back, then everything is checked, and the write is conditional on its resourceVersion.
 */
export function changeObject(
  target: Target,
  change: (current: ApiObject) => ApiObject,
  owners: OwnersAfter = ownersOfUpdate(target),
): Promise<Written> {
  const { context, kind, name, subresource } = target;
  const dryRun = isDryRun(target);
  return objectsOf(target).write(keyOfTarget(target), current => {
    if (current === undefined) throw notFound(kind, name);
    const before = current.object;
    const wished = change(before);
    assertSameName(wished, name);
    assertUnchangedSince(kind, wished, before);
    const merged = mergedFields(target, wished, before);
    const settledObject = settled(target, merged, before);
    const after = withOwners(settledObject, owners({ before, wished, after: merged }));
    if (isSameButTimes(after, before)) return { do: 'keep', object: before } satisfies Decision;
    assertNoEscalation(context, userOf(target.request), kind, after);
    const assigned = context.allocators.assign(kind, after, before);
    const errors = [
      ...validateMetadata(kind, assigned.metadata, before.metadata),
      ...kind.validate(assigned, before, subresource?.name),
    ];
    if (errors.length > 0) throw invalid(kind, name, errors);
    return decide(target, assigned, before, dryRun);
  });
}

function decide(target: Target, after: ApiObject, before: ApiObject, dryRun: boolean): Decision {
  const { kind, context } = target;
  if (dryRun) return { do: 'keep', object: after };
  const isGone = isReadyToGo(kind, after);
  const onStaged = () => context.allocators.claim(kind, isGone ? undefined : after, before);
  return { do: isGone ? 'remove' : 'put', object: after, onStaged };
}

/** metadata.managedFields after a change: `after` is the object with its defaults, before the server corrects it. */
export type OwnersAfter = (change: {
  readonly before: ApiObject;
  readonly wished: ApiObject;
  readonly after: ApiObject;
}) => readonly unknown[] | undefined;

function ownersOfUpdate(target: Target): OwnersAfter {
  const writer = writerOf(target);
  return change => ownersAfterUpdate(target.kind, change, writer);
}

/** The merged object with what the server corrects or counts. */
function settled(target: Target, merged: ApiObject, before: ApiObject): ApiObject {
  const { kind, subresource } = target;
  const { strategy } = kind;
  const adjusted = strategy.onUpdate?.(merged, before, subresource?.name) ?? merged;
  if (!strategy.countsGenerations || sameSpec(kind, adjusted, before)) return adjusted;
  const generation = (before.metadata.generation ?? 0) + 1;
  return { ...adjusted, metadata: { ...adjusted.metadata, generation } };
}

/** A status write changes the status, any other write all but that; a binding, which the server makes itself, both. */
function mergedFields(target: Target, wished: ApiObject, before: ApiObject): ApiObject {
  const { statusFields } = target.kind.strategy;
  const metadata = changedMetadata(wished.metadata, before.metadata);
  switch (target.subresource?.name ?? '') {
    case 'status': {
      const written = pick(target.kind.withDefaults(wished), statusFields);
      const owned = withOwnersOf(metadata, before.metadata);
      return { ...withoutFields(before, statusFields), ...written, metadata: owned };
    }
    case 'binding':
      return { ...wished, metadata };
    default: {
      const written = withoutFields(target.kind.withDefaults(wished), statusFields);
      return { ...written, ...pick(before, statusFields), metadata };
    }
  }
}

/** Owners are not the status writer's to change. */
function withOwnersOf(metadata: ApiObject['metadata'], before: ApiObject['metadata']): ApiObject['metadata'] {
  const { ownerReferences: _owners, ...rest } = metadata;
  return before.ownerReferences === undefined ? rest : { ...rest, ownerReferences: before.ownerReferences };
}

function sameSpec(kind: Kind, a: ApiObject, b: ApiObject): boolean {
  const others = [...kind.strategy.statusFields, 'metadata'];
  return equalJson(withoutFields(a, others), withoutFields(b, others));
}

const pick = (object: ApiObject, fields: readonly string[]): Partial<ApiObject> =>
  Object.fromEntries(Object.entries(object).filter(([field]) => fields.includes(field)));

function assertSameName(object: ApiObject, name: string): void {
  const given = object.metadata.name ?? '';
  if (given === name) return;
  throw badRequest(
    given === ''
      ? 'the name of the object must be set and match the name in the URL'
      : `the name of the object (${given}) does not match the name on the URL (${name})`,
  );
}

function assertUnchangedSince(kind: Kind, wished: ApiObject, before: ApiObject): void {
  const name = before.metadata.name ?? '';
  const { uid = '', resourceVersion = '' } = wished.metadata;
  if (uid !== '' && uid !== before.metadata.uid) {
    const now = before.metadata.uid ?? '';
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${now}`,
    );
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    if (kind.strategy.allowsUnconditionalUpdate) return;
    const detail = 'must be specified for an update';
    throw invalid(kind, name, [{ type: 'Invalid', field: 'metadata.resourceVersion', value: '', detail }]);
  }
  if (resourceVersion !== before.metadata.resourceVersion) throw modified(kind, name);
}

/** Who names a resourceVersion means an object that was there: it is not made anew. */
function mayCreate(target: Target, object: ApiObject): boolean {
  if ((object.metadata.resourceVersion ?? '') !== '') return false;
  const { kind, subresource } = target;
  if (!kind.strategy.allowsCreateOnUpdate || subresource !== undefined) return false;
  return objectsOf(target).newest(keyOfTarget(target)) === undefined;
}
