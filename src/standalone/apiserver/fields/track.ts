import type { ApiObject, Fields } from '../object.ts';
import { compare } from './compare.ts';
import { difference, intersection, isEmpty, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { isSameManager } from './managers.ts';
import type { Manager, ManagerName } from './managers.ts';
import { mergeApplied, withoutPlaces } from './merge.ts';
import { ownedBy, withDeclaredParents } from './owned.ts';
import type { OwnershipSchema } from './ownership-schema.ts';

/** Nobody owns what the server itself gives every object. */
const SERVER_METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
];

/** The part of an object that can be owned. */
export function ownable(object: Fields): Fields {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const own = Object.entries((metadata ?? {}) as Fields).filter(([name]) => !SERVER_METADATA.includes(name));
  return own.length === 0 ? rest : { metadata: Object.fromEntries(own), ...rest };
}

/**
 * Who owns what after an update: the updater owns what it added and changed, nobody what it removed, all others what it
 * left alone.
 */
export function afterUpdate(
  schema: OwnershipSchema,
  change: { readonly before: Fields; readonly after: Fields },
  managers: readonly Manager[],
  updater: ManagerName & { readonly time: string },
): readonly Manager[] {
  const { added, modified, removed } = compare(schema, ownable(change.before), ownable(change.after));
  const taken = union(added, modified);
  const lost = union(taken, removed);
  if (isEmpty(lost)) return managers;
  const others = managers.flatMap(one => {
    const fields = difference(one.fields, isSameManager(one, updater) ? removed : lost);
    return isEmpty(fields) ? [] : [fields === one.fields ? one : { ...one, fields }];
  });
  if (isEmpty(taken)) return others;
  const mine = others.find(one => isSameManager(one, updater));
  const fields = mine === undefined ? taken : union(mine.fields, taken);
  return [...others.filter(one => one !== mine), { ...updater, fields }];
}

/** A place that the applier wants and that others own with another value. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

export interface Applied {
  readonly object: Fields;
  readonly managers: readonly Manager[];
  /** Empty when the apply may go ahead, or was forced. */
  readonly conflicts: readonly Conflict[];
}

/**
 * What is there after an apply (KEP-555): the configuration laid over the object, without what this manager applied last
 * time and does not apply any more, unless another applier has it too. Fields that others own with another value
 * are conflicts, or become the applier's alone by force.
 */
export function afterApply(
  schema: OwnershipSchema,
  live: ApiObject | undefined,
  config: Fields,
  managers: readonly Manager[],
  applier: ManagerName & { readonly time: string },
): Applied {
  const fields = ownedBy(schema, ownable(config));
  const last = managers.find(one => isSameManager(one, applier));
  const others = managers.filter(one => one !== last);
  const merged = mergeApplied(schema, live ?? {}, config);
  const object = last === undefined ? merged : pruned(schema, merged, last.fields, fields, others);
  const { added, modified, removed } = compare(schema, ownable(live ?? {}), ownable(object));
  const changed = union(added, modified);
  const conflicts = others
    .map(manager => ({ manager, fields: intersection(manager.fields, changed) }))
    .filter(conflict => !isEmpty(conflict.fields));
  const lost = union(changed, removed);
  const kept = others.flatMap(one => {
    const left = difference(one.fields, lost);
    return isEmpty(left) ? [] : [left === one.fields ? one : { ...one, fields: left }];
  });
  return { object, managers: isEmpty(fields) ? kept : [...kept, { ...applier, fields }], conflicts };
}

/** Without what was applied last time, is not applied now, and no other applier has. */
function pruned(
  schema: OwnershipSchema,
  merged: Fields,
  last: FieldSet,
  now: FieldSet,
  others: readonly Manager[],
): Fields {
  const appliers = others.filter(({ operation }) => operation === 'Apply');
  const claimed = appliers.reduce((all, one) => union(all, one.fields), now);
  const widened = (set: FieldSet) => withDeclaredParents(schema, set);
  const there = widened(ownedBy(schema, ownable(merged)));
  return withoutPlaces(schema, merged, difference(intersection(widened(last), there), widened(claimed)));
}
