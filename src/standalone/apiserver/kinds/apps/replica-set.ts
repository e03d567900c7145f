import { podTemplateDefaults } from '../core/pod-defaults.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { SCALE, TEMPLATE_COLUMNS, checkWorkload, templateCells } from './workload.ts';

export const REPLICA_SET: Definition = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  schema: 'io.k8s.api.apps.v1.ReplicaSet',
  namespaced: true,
  shortNames: ['rs'],
  categories: ['all'],
  subresources: [SCALE, statusOf('ReplicaSet')],
  defaults: object =>
    within(fill(object, { spec: {} }), 'spec', spec =>
      within(fill(spec, { template: {}, replicas: 1 }), 'template', podTemplateDefaults),
    ),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') {
      const status = object.child('status');
      const names = [
        'replicas',
        'fullyLabeledReplicas',
        'readyReplicas',
        'availableReplicas',
        'observedGeneration',
      ];
      for (const name of names) found.notNegative(status.child(name));
      return;
    }
    checkWorkload(found, object, before, 'deployment');
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  selectors: ['status.replicas'],
  table: {
    columns: [
      NAME,
      column('Desired', 'Pods that are wanted.', 'integer'),
      column('Current', 'Pods that are there.', 'integer'),
      column('Ready', 'Pods that are ready.', 'integer'),
      AGE,
      ...TEMPLATE_COLUMNS,
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('replicas').number,
      object.child('status').child('replicas').number,
      object.child('status').child('readyReplicas').number,
      ageOf(object, now),
      ...templateCells(object),
    ],
  },
};
