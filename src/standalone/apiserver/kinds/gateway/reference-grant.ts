import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, nameOf } from '../print/columns.ts';

/** Its schema says all: there are no further rules. */
export const REFERENCE_GRANT: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  schema: 'io.k8s.networking.gateway.v1.ReferenceGrant',
  namespaced: true,
  shortNames: ['refgrant'],
  categories: ['gateway-api'],
  strategy: { countsGenerations: true, allowsUnconditionalUpdate: false },
  table: { columns: [NAME, AGE], cells: (object, now) => [nameOf(object), ageOf(object, now)] },
};
