import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';

export const SERVICE_ACCOUNT: Definition = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  namespaced: true,
  shortNames: ['sa'],
  subresources: [
    {
      name: 'token',
      group: 'authentication.k8s.io',
      version: 'v1',
      kind: 'TokenRequest',
      verbs: ['create'],
    },
  ],
  strategy: { returnsDeleted: true },
  table: {
    columns: [NAME, column('Secrets', 'How many secrets its pods may mount.'), AGE],
    cells: (object, now) => [nameOf(object), object.child('secrets').list.length, ageOf(object, now)],
  },
};
