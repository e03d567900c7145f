import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Place } from '../validation/place.ts';

export const RESOURCE_QUOTA: Definition = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  schema: 'io.k8s.api.core.v1.ResourceQuota',
  namespaced: true,
  shortNames: ['quota'],
  subresources: [statusOf('ResourceQuota')],
  strategy: {
    statusFields: ['status'],
    // Stored, so that manifests that carry one can be applied; nothing is counted.
    warnings: () => ['ResourceQuota is stored, and limits nothing in this cluster'],
  },
  table: {
    columns: [
      NAME,
      column('Request', 'What may be asked for, beside what is.'),
      column('Limit', 'What may be allowed, beside what is.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      usage(object, name => !name.startsWith('limits.')),
      usage(object, name => name.startsWith('limits.')),
      ageOf(object, now),
    ],
  },
};

function usage(object: Place, isShown: (resource: string) => boolean): string {
  const status = object.child('status');
  return status
    .child('hard')
    .entries()
    .filter(([name]) => isShown(name))
    .map(([name, hard]) => `${name}: ${status.child('used').key(name).text}/${hard.text}`)
    .toSorted()
    .join(', ');
}
