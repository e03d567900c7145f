import { decodeBody } from '../codec/body.ts';
import { timestamp } from '../context.ts';
import { apiVersionOf } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, badRequest, conflict, notFound } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import type { Decision, Written } from '../store/store.ts';
import { isReadyToGo } from './metadata.ts';
import { assertMayGo } from './namespace-gate.ts';
import { answerObject, json } from './present.ts';
import { listText } from './read.ts';
import { selectionOf } from './selection.ts';
import { isDryRun, objectsOf } from './target.ts';
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
  const written = await deleteObject(target, options);
  const isGone =
    written.did === 'remove' ||
    (options.dryRun && written.entry.object.metadata.deletionTimestamp === undefined);
  return isGone ? answerGone(target, written.entry) : answerObject(target, written.entry);
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
  return json(200, listText(kind.listKind, apiVersionOf(kind), { entries, listMeta }));
}

async function deleteIfPresent(
  target: Target,
  entry: Entry,
  options: DeleteOptions,
): Promise<Entry | undefined> {
  const { name = '', namespace = '' } = entry.object.metadata;
  try {
    const written = await deleteObject({ ...target, name, namespace }, options);
    return written.entry;
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'NotFound') return undefined;
    throw error;
  }
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
    if (options.dryRun) return { do: 'keep', object: isGone ? before : after } satisfies Decision;
    if (isGone) {
      // A deletion without finalizers and grace is not announced in the object: it goes as it was.
      const last = before.metadata.deletionTimestamp === undefined && !hasGrace(target) ? before : after;
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
  const finalizers = finalizersFor(before.metadata.finalizers ?? [], options.propagation);
  const wished = strategy.gracePeriodSeconds?.(before, options.gracePeriodSeconds) ?? 0;
  const grace = Math.min(wished, LONGEST_GRACE);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = before.metadata;
  const isSooner = deletionTimestamp === undefined || grace < deletionGracePeriodSeconds;
  const sameFinalizers = finalizers.join() === (before.metadata.finalizers ?? []).join();
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

function finalizersFor(
  present: readonly string[],
  propagation: DeleteOptions['propagation'],
): readonly string[] {
  if (propagation === undefined) return present;
  const others = present.filter(finalizer => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (propagation === 'Orphan') return [...others, 'orphan'];
  return propagation === 'Foreground' ? [...others, 'foregroundDeletion'] : others;
}

function assertPreconditions(target: Target, before: ApiObject, options: DeleteOptions): void {
  const { uid = '', resourceVersion = '' } = before.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`;
    throw conflict(target.kind, target.name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(target.kind, target.name, why);
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
  const options = deleteOptionsFrom(body);
  return { ...options, dryRun: options.dryRun || isDryRun(target) };
}

export function deleteOptionsFrom(body: Fields): DeleteOptions {
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun } = body;
  if (
    gracePeriodSeconds !== undefined &&
    gracePeriodSeconds !== null &&
    !Number.isSafeInteger(gracePeriodSeconds)
  ) {
    throw badRequest('DeleteOptions.gracePeriodSeconds has to be a whole number of seconds');
  }
  const conditions = isFields(preconditions) ? preconditions : {};
  return {
    gracePeriodSeconds:
      gracePeriodSeconds === undefined || gracePeriodSeconds === null
        ? undefined
        : Math.max(0, Number(gracePeriodSeconds)),
    propagation: propagationOf(propagationPolicy, orphanDependents),
    uid: optionalText(conditions['uid']),
    resourceVersion: optionalText(conditions['resourceVersion']),
    dryRun: Array.isArray(dryRun) && dryRun.includes('All'),
  };
}

function queryOptions(query: URLSearchParams): Fields {
  const grace = query.get('gracePeriodSeconds');
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(query.has('propagationPolicy') ? { propagationPolicy: query.get('propagationPolicy') } : {}),
    ...(query.has('orphanDependents') ? { orphanDependents: query.get('orphanDependents') === 'true' } : {}),
  };
}

function propagationOf(policy: unknown, orphanDependents: unknown): DeleteOptions['propagation'] {
  if (policy === undefined || policy === null || policy === '') {
    return orphanDependents === true ? 'Orphan' : undefined;
  }
  if (policy === 'Background' || policy === 'Foreground' || policy === 'Orphan') return policy;
  throw new StatusError(
    422,
    'Invalid',
    `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
  );
}

const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
