import type { Fields } from '../../object.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { amountOf, checkIntOrPercent } from './amount.ts';
import {
  SCALE,
  TEMPLATE_COLUMNS,
  checkWorkload,
  rollingUpdateDefaults,
  templateCells,
  workloadDefaults,
} from './workload.ts';

export const DEPLOYMENT: Definition = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  schema: 'io.k8s.api.apps.v1.Deployment',
  namespaced: true,
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: [SCALE, statusOf('Deployment')],
  defaults: workloadDefaults(withSpec),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    checkWorkload(found, object, before, 'deployment');
    const spec = object.child('spec');
    checkStrategy(found, spec.child('strategy'));
    found.notNegative(spec.child('revisionHistoryLimit'));
    const deadline = spec.child('progressDeadlineSeconds');
    found.notNegative(deadline);
    if (deadline.present && deadline.number <= spec.child('minReadySeconds').number) {
      found.invalid(deadline, 'must be greater than minReadySeconds');
    }
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Ready', 'Ready pods of those that are wanted.'),
      column('Up-to-date', 'Pods that have the latest template.'),
      column('Available', 'Pods that have been ready for minReadySeconds.'),
      AGE,
      ...TEMPLATE_COLUMNS,
    ],
    cells: (object, now) => {
      const status = object.child('status');
      return [
        nameOf(object),
        `${status.child('readyReplicas').number}/${object.child('spec').child('replicas').number}`,
        status.child('updatedReplicas').number,
        status.child('availableReplicas').number,
        ageOf(object, now),
        ...templateCells(object),
      ];
    },
  },
};

function withSpec(spec: Fields): Fields {
  const filled = fill(spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  });
  return within(filled, 'strategy', rollingUpdateDefaults({ maxUnavailable: '25%', maxSurge: '25%' }));
}

function checkStrategy(found: Findings, strategy: Place): void {
  const rolling = strategy.child('rollingUpdate');
  const type = strategy.child('type');
  if (type.text === 'Recreate') {
    if (rolling.present) found.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
    return;
  }
  if (type.text !== 'RollingUpdate') {
    found.notSupported(type, ['Recreate', 'RollingUpdate']);
    return;
  }
  const [unavailable, surge] = [rolling.child('maxUnavailable'), rolling.child('maxSurge')];
  for (const place of [unavailable, surge]) checkIntOrPercent(found, place);
  if (amountOf(unavailable) === 0 && amountOf(surge) === 0) {
    found.invalid(unavailable, 'may not be 0 when `maxSurge` is 0');
  }
  if (typeof unavailable.value === 'string' && amountOf(unavailable) > 100) {
    found.invalid(unavailable, 'must not be greater than 100%');
  }
}
