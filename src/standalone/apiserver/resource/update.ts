import { assertNoEscalation } from '../access/escalation.ts';
import { decodeBody } from '../codec/body.ts';
import { equalJson } from '../codec/json.ts';
import type { Concern } from '../admission/admission.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest, conflict, invalid, modified, notFound, warningOf } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import type { Decision, Written } from '../store/store.ts';
import { admitNew, createObject, namespaced, ownersBy, withoutFields } from './create.ts';
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
    const { object: admitted, concern } = await admitNew(target, object);
    const how = { dryRun: isDryRun(target), owners: ownersBy(kind, writerOf(target)), concern };
    const written = await createObject(context, kind, admitted, how);
    const said = [...checked.warnings, ...(concern?.warnings ?? [])];
    return answerObject(target, written.entry, 201, said);
  }
  const written = await warningOf(checked.warnings, () => changeObject(target, () => object));
  const warnings = kind.strategy.warnings?.(written.entry.object) ?? [];
  const said = [...checked.warnings, ...written.warnings, ...warnings];
  return answerObject(target, written.entry, 200, said);
}

/**
 * The one way in which a stored object changes: `change` gives the wished object from the newest one; what the client
 * may not change is put back, then everything is checked, and the write is conditional on its resourceVersion.
 */
export async function changeObject(
  target: Target,
  change: (current: ApiObject) => ApiObject,
  owners: OwnersAfter = ownersOfUpdate(target),
  asked: Asked = {},
): Promise<Changed> {
  const objects = objectsOf(target);
  const key = keyOfTarget(target);
  const dryRun = isDryRun(target);
  const concern = asked.isAnswered === true ? undefined : concernOf(target);
  if (concern === undefined) {
    const written = await objects.write(key, current => {
      const before = present(target, current);
      return decide(target, changed(target, before, change(before), owners), before, dryRun);
    });
    return { ...written, warnings: [] };
  }
  for (let attempt = 1; ; attempt++) {
    const before = present(target, objects.newest(key));
    const wished = await mutated(target, concern, { before, wished: change(before) }, asked);
    const trial = await objects.write(key, current => {
      assertStill(target, current, before);
      return decide(target, changed(target, before, wished, owners), before, true);
    });
    const shown = asked.shown ?? ((object: ApiObject) => object);
    await concern.validate(shown(trial.entry.object), shown(before));
    if (dryRun) return { ...trial, warnings: concern.warnings };
    // It took a while: what somebody else wrote meanwhile is looked at anew, all of it.
    if (objects.newest(key)?.object !== before && attempt < MOST_ATTEMPTS) continue;
    const written = await objects.write(key, current => {
      assertStill(target, current, before);
      return decide(target, trial.entry.object, before, false);
    });
    return { ...written, warnings: concern.warnings };
  }
}

/** What a change came to, and what admission wants to be said about it. */
export type Changed = Written & { readonly warnings: readonly string[] };

/** How admission is asked about a change. */
export interface Asked {
  /** The body that the subresource shows, where that is another one than the object (Scale): webhooks may not change it. */
  readonly shown?: (object: ApiObject) => Fields;
  /** It was asked about the request already. */
  readonly isAnswered?: boolean;
}

const MOST_ATTEMPTS = 5;

const concernOf = (target: Target): Concern | undefined => target.context.admission.concern(target, 'UPDATE');

function present({ kind, name }: Target, current: Entry | undefined): ApiObject {
  if (current === undefined) throw notFound(kind, name);
  return current.object;
}

function assertStill({ kind, name }: Target, current: Entry | undefined, before: ApiObject): void {
  if (current === undefined) throw notFound(kind, name);
  if (current.object !== before) throw modified(kind, name);
}

/** The wish as mutating webhooks leave it: they see what would be stored, and may change what the client may. */
async function mutated(
  target: Target,
  concern: Concern,
  { before, wished }: { readonly before: ApiObject; readonly wished: ApiObject },
  { shown }: Asked,
): Promise<ApiObject> {
  assertSameName(wished, target.name);
  assertUnchangedSince(target.kind, wished, before);
  if (shown !== undefined) {
    await concern.passUnchanged(shown(wished), shown(before));
    return wished;
  }
  const given = settled(target, mergedFields(target, wished, before), before);
  const wanted = await concern.mutate(given, before);
  if (wanted === given) return wished;
  const { object } = checkBody({ fields: wanted, duplicates: [] }, target.kind, 'Ignore');
  const { resourceVersion: _version, ...metadata } = namespaced(object, target).metadata;
  const { resourceVersion } = wished.metadata;
  const conditional = resourceVersion === undefined ? {} : { resourceVersion };
  const { managedFields: _given, ...own } = metadata;
  const managed = wished.metadata.managedFields;
  const listed = managed === undefined ? {} : { managedFields: managed };
  return { ...object, metadata: { ...own, ...conditional, ...listed } };
}

/** The object that is to be stored for a wish; `before` itself where nothing changes. */
function changed(target: Target, before: ApiObject, wished: ApiObject, owners: OwnersAfter): ApiObject {
  const { context, kind, name, subresource } = target;
  assertSameName(wished, name);
  assertUnchangedSince(kind, wished, before);
  const merged = mergedFields(target, wished, before);
  const settledObject = settled(target, merged, before);
  const after = withOwners(settledObject, owners({ before, wished, after: merged }));
  if (isSameButTimes(after, before)) return before;
  // Who changes metadata alone gives nothing away: the garbage collector takes owners and finalizers off roles.
  if (!sameSpec(kind, after, before)) assertNoEscalation(context, userOf(target.request), kind, after);
  const assigned = context.allocators.assign(kind, after, before);
  const errors = [
    ...validateMetadata(kind, assigned.metadata, before.metadata),
    ...kind.validate(assigned, before, subresource?.name),
  ];
  if (errors.length > 0) throw invalid(kind, name, errors);
  return assigned;
}

function decide(target: Target, after: ApiObject, before: ApiObject, dryRun: boolean): Decision {
  const { kind, context } = target;
  if (dryRun || after === before) return { do: 'keep', object: after };
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
  // Where a pod runs is no change of what is wanted.
  const isBinding = subresource?.name === 'binding';
  if (!strategy.countsGenerations || isBinding || sameSpec(kind, adjusted, before)) return adjusted;
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
      ? `the name of the object (${name} based on URL) was undeterminable: name must be provided`
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
    // Upstream names the resource here, and not the kind.
    throw invalid({ group: kind.group, kind: kind.plural }, name, [
      { type: 'Invalid', field: 'metadata.resourceVersion', value: 0, detail },
    ]);
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
