import { equalJson } from '../codec/json.ts';
import { timestamp } from '../context.ts';
import type { Context } from '../context.ts';
import { NO_FIELDS } from '../fields/field-set.ts';
import { compare } from '../fields/compare.ts';
import type { Manager, ManagerName } from '../fields/managers.ts';
import { readManagers, writeManagers } from '../fields/managers.ts';
import { afterUpdate, ownable } from '../fields/track.ts';
import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, ObjectMeta } from '../object.ts';
import { isFields } from '../object.ts';
import type { Target } from './target.ts';

/** Who writes, and when: a new entry of metadata.managedFields. */
export type Writer = ManagerName & { readonly time: string };

const LONGEST_NAME = 128;

/** `?fieldManager=`, or the first word of the User-Agent, as upstream has it. */
export function writerOf(target: Target, operation: Writer['operation'] = 'Update'): Writer {
  const { request, context, kind, subresource } = target;
  const asked = request.query.get('fieldManager') ?? '';
  const [agent = ''] = (request.headers['user-agent'] ?? '').split('/');
  const manager = asked === '' ? agent.slice(0, LONGEST_NAME) || 'unknown' : asked;
  return writerFor(context, kind, manager, operation, subresource?.name);
}

/** The server itself, where nobody asked for the write. */
export const ownWriter = (context: Context, kind: Kind): Writer =>
  writerFor(context, kind, 'kube-apiserver', 'Update');

function writerFor(
  context: Context,
  kind: Kind,
  manager: string,
  operation: Writer['operation'],
  subresource = '',
): Writer {
  const time = timestamp(context.clock.now());
  return { manager, operation, apiVersion: apiVersionOf(kind), subresource, time };
}

/** metadata.managedFields of an object that is created; undefined where nobody is written down until the first apply. */
export function ownersOfNew(kind: Kind, object: ApiObject, writer: Writer): readonly object[] | undefined {
  if (kind.ownership === undefined || kind.strategy.tracksFromFirstApply === true) return undefined;
  return writeManagers(afterUpdate(kind.ownership(), { before: {}, after: object }, [], writer));
}

/**
 * metadata.managedFields after an update. A client may write the list itself (kubectl does when it hands over from
 * client-side to server-side apply), and clears it by a list with one empty entry.
 */
export function ownersAfterUpdate(
  kind: Kind,
  change: { readonly before: ApiObject; readonly wished: ApiObject; readonly after: ApiObject },
  writer: Writer,
): readonly unknown[] | undefined {
  const { before, wished, after } = change;
  const stored = before.metadata.managedFields;
  const given = wished.metadata.managedFields ?? [];
  if (kind.ownership === undefined) return stored;
  const [first] = given;
  if (given.length === 1 && isFields(first) && Object.keys(first).length === 0) return undefined;
  const asGiven = given.length === 0 || equalJson(given, stored) ? undefined : readManagers(given);
  const managers = asGiven ?? readManagers(stored) ?? [];
  if (managers.length === 0) return stored;
  const next = afterUpdate(kind.ownership(), { before, after }, managers, writer);
  return next === managers && asGiven === undefined ? stored : writeManagers(next);
}

/** Before anybody applied, an object without managers belongs to whoever made it, all of it. */
export function managersBeforeApply(kind: Kind, live: ApiObject | undefined): readonly Manager[] {
  if (live === undefined || kind.ownership === undefined) return [];
  const known = readManagers(live.metadata.managedFields) ?? [];
  if (known.length > 0) return known;
  const { added } = compare(kind.ownership(), {}, ownable(live));
  if (added === NO_FIELDS) return [];
  return [
    {
      manager: 'before-first-apply',
      operation: 'Update',
      apiVersion: apiVersionOf(kind),
      subresource: '',
      time: live.metadata.creationTimestamp ?? undefined,
      fields: added,
    },
  ];
}

/** The object with these owners; their times do not count as a change. */
export function withOwners(object: ApiObject, owners: readonly unknown[] | undefined): ApiObject {
  const { managedFields: _managed, ...metadata } = object.metadata;
  const owned: ObjectMeta =
    owners === undefined || owners.length === 0 ? metadata : { ...metadata, managedFields: owners };
  return { ...object, metadata: owned };
}

export function isSameButTimes(a: ApiObject, b: ApiObject): boolean {
  const timeless = (entry: unknown) => (isFields(entry) ? { ...entry, time: undefined } : entry);
  const owners = (object: ApiObject) => (object.metadata.managedFields ?? []).map(timeless);
  return equalJson(owners(a), owners(b)) && equalJson(withOwners(a, undefined), withOwners(b, undefined));
}
