import type { Definition } from '../define.ts';
import { NAME, column, nameOf } from '../print/columns.ts';

export const LIMIT_RANGE: Definition = {
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  schema: 'io.k8s.api.core.v1.LimitRange',
  namespaced: true,
  shortNames: ['limits'],
  validate: (found, object) => {
    for (const item of object.child('spec').child('limits').items()) {
      found.oneOf(item.child('type'), ['Container', 'PersistentVolumeClaim', 'Pod']);
      for (const fields of ['default', 'defaultRequest']) {
        if (item.child('type').text === 'Pod' && item.child(fields).entries().length > 0)
          found.forbidden(item.child(fields), 'may not be specified when `type` is "Pod"');
      }
    }
  },
  strategy: {
    // Stored, so that manifests that carry one can be applied; nothing limits what a program of this machine takes.
    warnings: () => ['LimitRange is stored, and neither defaults nor limits anything in this cluster'],
  },
  table: {
    columns: [NAME, column('Created At', 'When it was made.', 'date')],
    cells: object => [nameOf(object), object.child('metadata').child('creationTimestamp').text],
  },
};
