import { isFields } from '../object.ts';
import type { FieldSet } from './field-set.ts';
import { isEmpty, readFields, union, writeFields } from './field-set.ts';

/** Who wrote, through what: two entries with the same of these are one. */
export interface ManagerName {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
}

/** One entry of metadata.managedFields. */
export interface Manager extends ManagerName {
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** An applier is the same whatever version it applies. */
export function isSameManager(a: ManagerName, b: ManagerName): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/** The managers that metadata.managedFields names; undefined where it is not what the API describes. */
export function readManagers(entries: readonly unknown[] | undefined): readonly Manager[] | undefined {
  const managers: Manager[] = [];
  for (const entry of entries ?? []) {
    if (!isFields(entry)) return undefined;
    const { manager = '', operation, apiVersion = '', subresource = '', time, fieldsType } = entry;
    const fields = readFields(entry['fieldsV1'] ?? {});
    if (fields === undefined || fieldsType !== 'FieldsV1') return undefined;
    if (operation !== 'Apply' && operation !== 'Update') return undefined;
    if (typeof manager !== 'string' || typeof apiVersion !== 'string' || typeof subresource !== 'string') {
      return undefined;
    }
    managers.push({
      manager,
      operation,
      apiVersion,
      subresource,
      time: typeof time === 'string' ? time : undefined,
      fields,
    });
  }
  return managers;
}

/** Beyond this many that update, the oldest become one: what they wrote is still known to be somebody's. */
const MOST_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

/** metadata.managedFields, in the order of a real server: appliers first, then by time and name. */
export function writeManagers(managers: readonly Manager[]): readonly object[] {
  return capped(managers.filter(({ fields }) => !isEmpty(fields)))
    .toSorted((a, b) => compareManagers(a, b))
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: writeFields(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

function compareManagers(a: Manager, b: Manager): number {
  const keys = (one: Manager) => [
    one.operation,
    one.time ?? '',
    one.manager,
    one.apiVersion,
    one.subresource,
  ];
  const right = keys(b);
  for (const [index, left] of keys(a).entries()) {
    if (left !== right[index]) return left < (right[index] ?? '') ? -1 : 1;
  }
  return 0;
}

function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter(({ operation }) => operation === 'Update').toSorted(compareManagers);
  const excess = updaters.length - MOST_UPDATERS;
  if (excess <= 0) return managers;
  const old = updaters.slice(0, excess + 1);
  const versions = [...new Set(old.map(({ apiVersion }) => apiVersion))];
  const ancient = versions.map(apiVersion => {
    const ofVersion = old.filter(one => one.apiVersion === apiVersion);
    const [first] = ofVersion;
    const fields = ofVersion.reduce<FieldSet>((all, one) => union(all, one.fields), {});
    return {
      manager: ANCIENT,
      operation: 'Update',
      apiVersion,
      subresource: '',
      time: first?.time,
      fields,
    } as const;
  });
  return [...managers.filter(one => !old.includes(one)), ...ancient];
}
