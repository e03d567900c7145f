import { decodeBody } from '../codec/body.ts';
import { timestamp } from '../context.ts';
import type { FieldError } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields, textsOf } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, badRequest, conflict, notFound } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import type { Decision, Written } from '../store/store.ts';
import { isReadyToGo } from './metadata.ts';
import { assertMayGo } from './namespace-gate.ts';
import { answerObject, json } from './present.ts';
import { listText } from './read.ts';
import { dryRunErrors, optionsError } from './options.ts';
import { selectionOf } from './selection.ts';
import { booleanParameter, isDryRun, numberParameter, objectsOf } from './target.ts';
import type { Target } from './target.ts';
import { storageKey } from '../context.ts';

/** DeleteOptions of meta/v1. */
export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagation: 'Background' | 'Foreground' | 'Orphan' | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** DELETE of one object: a Status when it is gone, the object when it waits for finalizers or grace. */
export async function remove(target: Target): Promise<ApiResponse> {
  const options = await deleteOptions(target);
  const written = await deleteAdmitted(target, options);
  const isGone =
    written.did === 'remove' ||
    (options.dryRun && written.entry.object.metadata.deletionTimestamp === undefined);
  const showsObject = !isGone || target.kind.strategy.returnsDeleted === true;
  const { orphansByDefault } = target.kind.strategy;
  const warnings =
    orphansByDefault === undefined || options.propagation !== undefined ? [] : [orphansByDefault];
  return showsObject ? answerObject(target, written.entry, 200, warnings) : answerGone(target, written.entry);
}

/** DELETE of a collection: each object by itself, as upstream does; answers with the list of what was selected. */
export async function removeCollection(target: Target): Promise<ApiResponse> {
  const { context, kind } = target;
  const options = await deleteOptions(target);
  const selection = selectionOf(target);
  const snapshot = objectsOf(target).list(selection.prefix);
  const selected = (snapshot?.entries ?? []).filter(
    entry => selection.inScope(entry.key) && selection.matches?.(entry.object) !== false,
  );
  const deleted = await Promise.all(selected.map(entry => deleteIfPresent(target, entry, options)));
  const entries = deleted.filter(entry => entry !== undefined);
  const listMeta = { resourceVersion: String(context.store.revision) };
  return json(200, listText(kind, { entries, listMeta }));
}

async function deleteIfPresent(
  target: Target,
  entry: Entry,
  options: DeleteOptions,
): Promise<Entry | undefined> {
  const { name = '', namespace = '' } = entry.object.metadata;
  try {
    const written = await deleteAdmitted({ ...target, name, namespace }, options);
    return written.entry;
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

/** Deletes what admission lets go; it is asked about the object that is deleted, not about another one of the name. */
async function deleteAdmitted(target: Target, options: DeleteOptions): Promise<Written> {
  const concern = target.context.admission.concern(target, 'DELETE');
  if (concern === undefined) return deleteObject(target, options);
  const entry = objectsOf(target).newest(storageKey(target.namespace, target.name));
  if (entry === undefined) throw notFound(target.kind, target.name);
  await concern.validate(undefined, entry.object);
  return deleteObject(target, { ...options, uid: options.uid ?? entry.object.metadata.uid });
}

export function deleteObject(target: Target, options: DeleteOptions): Promise<Written> {
  const { context, kind, name } = target;
  return objectsOf(target).write(storageKey(target.namespace, name), current => {
    if (current === undefined) throw notFound(kind, name);
    const before = current.object;
    assertMayGo(kind, name);
    assertPreconditions(target, before, options);
    const after = marked(target, before, options);
    const isGone = isReadyToGo(kind, after);
    // A deletion without finalizers and grace is not announced in the object: it goes as it was.
    const last = before.metadata.deletionTimestamp === undefined && !hasGrace(target) ? before : after;
    if (options.dryRun) return { do: 'keep', object: isGone ? last : after } satisfies Decision;
    if (isGone) {
      const onStaged = () => context.allocators.claim(kind, undefined, before);
      return { do: 'remove', object: last, onStaged } satisfies Decision;
    }
    return after === before
      ? ({ do: 'keep', object: before } satisfies Decision)
      : ({ do: 'put', object: after } satisfies Decision);
  });
}

/** Seconds; a longer one would end at no date that can be written. */
const LONGEST_GRACE = 2 ** 31 - 1;

const hasGrace = (target: Target): boolean => target.kind.strategy.gracePeriodSeconds !== undefined;

/** The object with the marks of deletion: finalizers for the propagation, deletionTimestamp, grace. */
function marked(target: Target, before: ApiObject, options: DeleteOptions): ApiObject {
  const { kind, context } = target;
  const { strategy } = kind;
  const present = before.metadata.finalizers ?? [];
  const isSaid = present.some(finalizer => PROPAGATION_FINALIZERS.includes(finalizer));
  const unsaid = strategy.orphansByDefault === undefined || isSaid ? undefined : 'Orphan';
  const finalizers = finalizersFor(present, options.propagation ?? unsaid);
  const wished = strategy.gracePeriodSeconds?.(before, options.gracePeriodSeconds) ?? 0;
  const grace = Math.min(wished, LONGEST_GRACE);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = before.metadata;
  const isSooner = deletionTimestamp === undefined || grace < deletionGracePeriodSeconds;
  const sameFinalizers = finalizers.join() === present.join();
  if (!isSooner && sameFinalizers) return before;
  const { finalizers: _finalizers, ...metadata } = before.metadata;
  const generation =
    deletionTimestamp === undefined && metadata.generation !== undefined
      ? metadata.generation + 1
      : metadata.generation;
  const after: ApiObject = {
    ...before,
    metadata: {
      ...metadata,
      ...(generation === undefined ? {} : { generation }),
      ...(finalizers.length === 0 ? {} : { finalizers }),
      ...(isSooner
        ? {
            deletionTimestamp: timestamp(
              markedAt(deletionTimestamp, deletionGracePeriodSeconds, context.clock.now()) + grace * 1000,
            ),
            deletionGracePeriodSeconds: grace,
          }
        : {}),
    },
  };
  return strategy.onDeletionMark?.(after) ?? after;
}

/** A shorter grace counts from the first request, and never ends in the past. */
function markedAt(deletionTimestamp: string | undefined, grace: number, now: number): number {
  if (deletionTimestamp === undefined) return now;
  const first = Date.parse(deletionTimestamp) - grace * 1000;
  return Number.isFinite(first) ? Math.max(first, 0) : now;
}

const PROPAGATION_FINALIZERS: readonly string[] = ['orphan', 'foregroundDeletion'];

function finalizersFor(
  present: readonly string[],
  propagation: DeleteOptions['propagation'],
): readonly string[] {
  if (propagation === undefined) return present;
  const others = present.filter(finalizer => !PROPAGATION_FINALIZERS.includes(finalizer));
  if (propagation === 'Orphan') return [...others, 'orphan'];
  return propagation === 'Foreground' ? [...others, 'foregroundDeletion'] : others;
}

/** Upstream names the kind here, and not the resource. */
function assertPreconditions(target: Target, before: ApiObject, options: DeleteOptions): void {
  const { uid = '', resourceVersion = '' } = before.metadata;
  const { group, kind: plural } = target.kind;
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict({ group, plural }, target.name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict({ group, plural }, target.name, why);
  }
}

function answerGone(target: Target, entry: Entry): ApiResponse {
  const { kind, name } = target;
  const { uid } = entry.object.metadata;
  const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.plural, uid };
  return json(
    200,
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }),
  );
}

/** From the body, and from the query where there is no body. */
async function deleteOptions(target: Target): Promise<DeleteOptions> {
  const { request, context } = target;
  const body: Fields = (await decodeBody(request, context.schemas))?.fields ?? queryOptions(request.query);
  const { kind = 'DeleteOptions', apiVersion = 'v1' } = body;
  if (kind !== 'DeleteOptions') {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} of version ${JSON.stringify(apiVersion)} is taken here`,
    );
  }
  const options = deleteOptionsFrom(body);
  return { ...options, dryRun: options.dryRun || isDryRun(target) };
}

export function deleteOptionsFrom(body: Fields): DeleteOptions {
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = body;
  if (
    gracePeriodSeconds !== undefined &&
    gracePeriodSeconds !== null &&
    !Number.isSafeInteger(gracePeriodSeconds)
  ) {
    const seen =
      typeof gracePeriodSeconds === 'number' ? `number ${gracePeriodSeconds}` : typeof gracePeriodSeconds;
    throw badRequest(
      `json: cannot unmarshal ${seen} into Go struct field DeleteOptions.gracePeriodSeconds of type int64`,
    );
  }
  const conditions = isFields(preconditions) ? preconditions : {};
  const dryRun = textsOf(body['dryRun']);
  const errors = [...propagationErrors(propagationPolicy, orphanDependents), ...dryRunErrors(dryRun)];
  if (errors.length > 0) throw optionsError('DeleteOptions', errors);
  return {
    gracePeriodSeconds:
      gracePeriodSeconds === undefined || gracePeriodSeconds === null
        ? undefined
        : graceOf(Number(gracePeriodSeconds)),
    propagation: propagationOf(propagationPolicy, orphanDependents),
    uid: optionalText(conditions['uid']),
    resourceVersion: optionalText(conditions['resourceVersion']),
    dryRun: dryRun.length > 0,
  };
}

/** A negative one is read as one second. */
const graceOf = (seconds: number): number => (seconds < 0 ? 1 : seconds);

function queryOptions(query: URLSearchParams): Fields {
  const grace = numberParameter(query, 'gracePeriodSeconds');
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(query.has('propagationPolicy') ? { propagationPolicy: query.get('propagationPolicy') } : {}),
    ...(query.has('orphanDependents')
      ? { orphanDependents: booleanParameter(query, 'orphanDependents') === true }
      : {}),
  };
}

type Propagation = NonNullable<DeleteOptions['propagation']>;

const PROPAGATIONS: readonly unknown[] = ['Background', 'Foreground', 'Orphan'] satisfies Propagation[];

function propagationErrors(policy: unknown, orphanDependents: unknown): readonly FieldError[] {
  if (policy === undefined || policy === null || policy === '') return [];
  const field = 'propagationPolicy';
  if (orphanDependents !== undefined && orphanDependents !== null) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    return [{ type: 'Invalid', field, value: policy, detail }];
  }
  if (PROPAGATIONS.includes(policy)) return [];
  const detail = 'supported values: "Foreground", "Background", "Orphan", "nil"';
  return [{ type: 'NotSupported', field, value: policy, detail }];
}

function propagationOf(policy: unknown, orphanDependents: unknown): DeleteOptions['propagation'] {
  if (PROPAGATIONS.includes(policy)) return policy as Propagation; // one of the list's
  return orphanDependents === true ? 'Orphan' : orphanDependents === false ? 'Background' : undefined;
}

const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
