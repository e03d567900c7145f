import type { TableColumn } from '../../kind.ts';
import type { Place } from '../validation/place.ts';
import { age } from './duration.ts';

/** A column that always shows. */
export function column(name: string, description: string, type: TableColumn['type'] = 'string'): TableColumn {
  return { name, type, format: '', description, priority: 0 };
}

/** A column that shows with `-o wide`. */
export function wideColumn(
  name: string,
  description: string,
  type: TableColumn['type'] = 'string',
): TableColumn {
  return { ...column(name, description, type), priority: 1 };
}

export const NAME: TableColumn = {
  ...column('Name', 'Name of the object, unique in its namespace.'),
  format: 'name',
};

export const AGE: TableColumn = column('Age', 'Time since the object was created.');

export const nameOf = (object: Place): string => object.child('metadata').child('name').text;

export const ageOf = (object: Place, now: number): string =>
  age(object.child('metadata').child('creationTimestamp').value, now);

/** `a=b,c=d`, sorted by key; `<none>` for an empty map. */
export function labelsText(labels: Place): string {
  const pairs = labels.entries().map(([key, value]) => `${key}=${value.text}`);
  return pairs.length === 0 ? '<none>' : pairs.toSorted().join(',');
}

/** A label selector as kubectl shows it: `app=web,tier in (a,b),!old`; `<none>` for one that selects everything. */
export function selectorText(selector: Place): string {
  const equal = selector
    .child('matchLabels')
    .entries()
    .map(([key, value]) => [key, `${key}=${value.text}`] as const);
  const expressions = selector
    .child('matchExpressions')
    .items()
    .map(requirement => [requirement.child('key').text, requirementText(requirement)] as const);
  const all = [...equal, ...expressions].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return all.length === 0 ? '<none>' : all.map(([, text]) => text).join(',');
}

function requirementText(requirement: Place): string {
  const key = requirement.child('key').text;
  const values = requirement.child('values').texts.toSorted().join(',');
  switch (requirement.child('operator').text) {
    case 'In':
      return `${key} in (${values})`;
    case 'NotIn':
      return `${key} notin (${values})`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}

/** The first three, then how many more: `a,b,c + 2 more...`. */
export function firstThree(items: readonly string[], none: string): string {
  if (items.length === 0) return none;
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}
