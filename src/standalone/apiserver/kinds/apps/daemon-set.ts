import type { Fields } from '../../object.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, labelsText, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { amountOf, checkIntOrPercent } from './amount.ts';
import {
  TEMPLATE_COLUMNS,
  checkWorkload,
  rollingUpdateDefaults,
  templateCells,
  workloadDefaults,
} from './workload.ts';

export const DAEMON_SET: Definition = {
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  schema: 'io.k8s.api.apps.v1.DaemonSet',
  namespaced: true,
  shortNames: ['ds'],
  categories: ['all'],
  subresources: [statusOf('DaemonSet')],
  defaults: workloadDefaults(withSpec),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    checkWorkload(found, object, before, 'daemonset');
    const spec = object.child('spec');
    checkStrategy(found, spec.child('updateStrategy'));
    found.notNegative(spec.child('revisionHistoryLimit'));
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Desired', 'Nodes that should have a pod.', 'integer'),
      column('Current', 'Nodes that have one.', 'integer'),
      column('Ready', 'Nodes whose pod is ready.', 'integer'),
      column('Up-to-date', 'Nodes whose pod has the latest template.', 'integer'),
      column('Available', 'Nodes whose pod has been ready for minReadySeconds.', 'integer'),
      column('Node Selector', 'Labels of the nodes that get a pod.'),
      AGE,
      ...TEMPLATE_COLUMNS,
    ],
    cells: (object, now) => {
      const status = object.child('status');
      return [
        nameOf(object),
        status.child('desiredNumberScheduled').number,
        status.child('currentNumberScheduled').number,
        status.child('numberReady').number,
        status.child('updatedNumberScheduled').number,
        status.child('numberAvailable').number,
        labelsText(object.child('spec').child('template').child('spec').child('nodeSelector')),
        ageOf(object, now),
        ...templateCells(object),
      ];
    },
  },
};

function withSpec(spec: Fields): Fields {
  return within(
    fill(spec, { revisionHistoryLimit: 10, updateStrategy: {} }),
    'updateStrategy',
    rollingUpdateDefaults({ maxUnavailable: 1, maxSurge: 0 }),
  );
}

function checkStrategy(found: Findings, strategy: Place): void {
  const [type, rolling] = [strategy.child('type'), strategy.child('rollingUpdate')];
  found.oneOf(type, ['OnDelete', 'RollingUpdate']);
  if (type.text !== 'RollingUpdate') return;
  const [unavailable, surge] = [rolling.child('maxUnavailable'), rolling.child('maxSurge')];
  for (const place of [unavailable, surge]) checkIntOrPercent(found, place);
  if (amountOf(unavailable) === 0 && amountOf(surge) === 0) {
    found.required(unavailable, 'cannot be 0 when maxSurge is 0');
  } else if (amountOf(unavailable) !== 0 && amountOf(surge) !== 0) {
    found.invalid(unavailable, 'may not be set when maxSurge is non-zero');
  }
}
