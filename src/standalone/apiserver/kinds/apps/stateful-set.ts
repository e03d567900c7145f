import type { Fields } from '../../object.ts';
import { fill, inTurn, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { dnsLabel } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import {
  SCALE,
  TEMPLATE_COLUMNS,
  checkWorkload,
  rollingUpdateDefaults,
  templateCells,
  workloadDefaults,
} from './workload.ts';

export const STATEFUL_SET: Definition = {
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  schema: 'io.k8s.api.apps.v1.StatefulSet',
  namespaced: true,
  shortNames: ['sts'],
  categories: ['all'],
  subresources: [SCALE, statusOf('StatefulSet')],
  defaults: workloadDefaults(
    inTurn(withSpec, spec => withinEach(spec, 'volumeClaimTemplates', claimDefaults)),
  ),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    // Pods are named after it, and a pod's name is the name of a host.
    if (before === undefined) found.complaints(object.child('metadata').child('name'), dnsLabel);
    checkWorkload(found, object, undefined, 'statefulset');
    const spec = object.child('spec');
    const management = spec.child('podManagementPolicy');
    if (!['OrderedReady', 'Parallel'].includes(management.text)) {
      found.invalid(management, "must be 'OrderedReady' or 'Parallel'");
    }
    if (before === undefined && spec.child('serviceName').text !== '') {
      found.complaints(spec.child('serviceName'), dnsLabel);
    }
    const retention = spec.child('persistentVolumeClaimRetentionPolicy');
    for (const name of ['whenDeleted', 'whenScaled']) {
      found.optionalOneOf(retention.child(name), ['Retain', 'Delete']);
    }
    checkStrategy(found, spec.child('updateStrategy'));
    found.notNegative(spec.child('revisionHistoryLimit'));
    found.notNegative(spec.child('ordinals').child('start'));
    if (before !== undefined) checkUpdate(found, spec, before.child('spec'));
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Ready', 'Ready pods of those that are wanted.'),
      AGE,
      ...TEMPLATE_COLUMNS.slice(0, 2),
    ],
    cells: (object, now) => [
      nameOf(object),
      `${object.child('status').child('readyReplicas').number}/${object.child('spec').child('replicas').number}`,
      ageOf(object, now),
      ...templateCells(object).slice(0, 2),
    ],
  },
};

function withSpec(spec: Fields): Fields {
  const filled = fill(spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: {},
    persistentVolumeClaimRetentionPolicy: {},
  });
  return inTurn(
    at => within(at, 'updateStrategy', rollingUpdateDefaults({ partition: 0 })),
    at =>
      within(at, 'persistentVolumeClaimRetentionPolicy', policy =>
        fill(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' }),
      ),
  )(filled);
}

const claimDefaults = (claim: Fields): Fields =>
  within(
    fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' } }),
    'spec',
    spec => fill(spec, { volumeMode: 'Filesystem' }),
  );

function checkStrategy(found: Findings, strategy: Place): void {
  const [type, rolling] = [strategy.child('type'), strategy.child('rollingUpdate')];
  found.oneOf(type, ['OnDelete', 'RollingUpdate']);
  if (type.text === 'OnDelete' && rolling.present) {
    found.invalid(rolling, 'only allowed for updateStrategy `RollingUpdate`');
  }
  found.notNegative(rolling.child('partition'));
}

/** What may change of a set that is there; all else belongs to pods and claims that exist already. */
const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function checkUpdate(found: Findings, spec: Place, before: Place): void {
  const fixed = [...new Set([...Object.keys(spec.fields), ...Object.keys(before.fields)])].filter(
    name => !MUTABLE.includes(name),
  );
  if (fixed.every(name => JSON.stringify(spec.fields[name]) === JSON.stringify(before.fields[name]))) return;
  found.forbidden(
    spec,
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  );
}
