import { fill } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { SCALE, TEMPLATE_COLUMNS, checkWorkload, templateCells, workloadDefaults } from './workload.ts';

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
  defaults: workloadDefaults(spec => fill(spec, { template: {}, replicas: 1 })),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') {
      checkStatus(found, object.child('status'));
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

const COUNTS = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'];

function checkStatus(found: Findings, status: Place): void {
  for (const name of ['replicas', ...COUNTS, 'observedGeneration']) found.notNegative(status.child(name));
  for (const name of COUNTS) {
    const count = status.child(name);
    if (count.number > status.child('replicas').number) {
      found.invalid(count, 'cannot be greater than status.replicas', count.number);
    }
  }
  const available = status.child('availableReplicas');
  if (available.number > status.child('readyReplicas').number) {
    found.invalid(available, 'cannot be greater than readyReplicas', available.number);
  }
}
