import type { ApiObject, Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import { TEMPLATE_COLUMNS, checkTemplateSpec, templateCells } from '../apps/workload.ts';
import { podTemplateDefaults } from '../core/pod-defaults.ts';
import { fill, inTurn, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { humanDuration } from '../print/duration.ts';
import { parseTime } from '../text/time.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import { domainPrefixedPath } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

export const JOB: Definition = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  schema: 'io.k8s.api.batch.v1.Job',
  namespaced: true,
  categories: ['all'],
  subresources: [statusOf('Job')],
  defaults: object => withTemplateLabels(within(fill(object, { spec: {} }), 'spec', jobSpecDefaults)),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    const spec = object.child('spec');
    checkJobSpec(found, spec);
    checkSelector(found, spec);
    if (before !== undefined) checkUpdate(found, spec, before.child('spec'));
  },
  strategy: {
    statusFields: ['status'],
    countsGenerations: true,
    onCreate: withOwnSelector,
    orphansByDefault:
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  },
  selectors: ['status.successful'],
  computedSelectors: {
    'status.successful': object => String(object.child('status').child('succeeded').number),
  },
  table: {
    columns: [
      NAME,
      column('Status', 'Where it stands.'),
      column('Completions', 'Pods that succeeded, of those that have to.'),
      column('Duration', 'How long it took, or has taken so far.'),
      AGE,
      ...TEMPLATE_COLUMNS,
    ],
    cells: (object, now) => [
      nameOf(object),
      statusText(object),
      completionsText(object),
      durationText(object, now),
      ageOf(object, now),
      ...templateCells(object),
    ],
  },
};

const MOST = 2 ** 31 - 1;

/** Defaults of a JobSpec, in a Job; a CronJob's template has them only once a Job is made of it. */
const jobSpecDefaults = inTurn(
  spec => {
    const { completions, parallelism } = spec;
    return (completions ?? null) === null && (parallelism ?? null) === null
      ? { ...spec, completions: 1, parallelism: 1 }
      : fill(spec, { parallelism: 1 });
  },
  spec =>
    fill(spec, {
      backoffLimit: (spec['backoffLimitPerIndex'] ?? null) === null ? 6 : MOST,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: isFields(spec['podFailurePolicy']) ? 'Failed' : 'TerminatingOrFailed',
    }),
  spec => within(spec, 'template', podTemplateDefaults),
);

/** A Job without labels has those of its pods. */
function withTemplateLabels(object: Fields): Fields {
  const spec = object['spec'];
  const template = isFields(spec) ? spec['template'] : undefined;
  const metadata = isFields(template) ? template['metadata'] : undefined;
  const labels = isFields(metadata) ? metadata['labels'] : undefined;
  if (!isFields(labels) || Object.keys(labels).length === 0) return object;
  return within(object, 'metadata', own =>
    isFields(own['labels']) && Object.keys(own['labels']).length > 0 ? own : { ...own, labels },
  );
}

/** Pods are told from those of all other Jobs by the uid, unless the user brings a selector of his own. */
function withOwnSelector(object: ApiObject): ApiObject {
  const spec = object['spec'];
  if (!isFields(spec) || spec['manualSelector'] === true) return object;
  const { uid = '', name = '' } = object.metadata;
  const labels = {
    'controller-uid': uid,
    'batch.kubernetes.io/controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/job-name': name,
  };
  const labelled = within(fill(spec, { template: {} }), 'template', template =>
    within(fill(template, { metadata: {} }), 'metadata', metadata => ({
      ...metadata,
      labels: { ...(isFields(metadata['labels']) ? metadata['labels'] : {}), ...labels },
    })),
  );
  const given = isFields(spec['selector']) ? spec['selector'] : {};
  const own = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  const selector = Object.keys(given).length > 0 ? given : own;
  return withTemplateLabels({ ...object, spec: { ...labelled, selector } }) as ApiObject;
}

/** What is wrong with a JobSpec, its selector excepted: of a Job, or of a CronJob's template. */
export function checkJobSpec(found: Findings, spec: Place): void {
  for (const name of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ]) {
    found.notNegative(spec.child(name));
  }
  const mode = spec.child('completionMode');
  found.optionalOneOf(mode, ['NonIndexed', 'Indexed']);
  if (spec.child('managedBy').present) found.complaints(spec.child('managedBy'), domainPrefixedPath);
  if (mode.text === 'Indexed') {
    const completions = spec.child('completions');
    if (!completions.present) {
      found.required(completions, 'when completion mode is Indexed');
    }
    if (spec.child('parallelism').number > 100_000) {
      found.invalid(
        spec.child('parallelism'),
        'must be less than or equal to 100000 when completion mode is Indexed',
      );
    }
  } else if (spec.child('backoffLimitPerIndex').present) {
    found.invalid(spec.child('backoffLimitPerIndex'), 'requires indexed completion mode');
  }
  found.optionalOneOf(spec.child('podReplacementPolicy'), ['Failed', 'TerminatingOrFailed']);
  const template = spec.child('template');
  checkTemplateSpec(found, template);
  const restart = template.child('spec').child('restartPolicy');
  if (restart.text === '' || restart.text === 'Always') {
    found.required(restart, 'valid values: "OnFailure", "Never"');
  }
}

function checkSelector(found: Findings, spec: Place): void {
  const selector = spec.child('selector');
  if (!selector.present) {
    found.required(selector);
    return;
  }
  checkLabelSelector(found, selector);
  const labels = spec.child('template').child('metadata').child('labels');
  const equal = selector.child('matchLabels').entries();
  if (!equal.every(([key, value]) => labels.key(key).value === value.text)) {
    found.invalid(labels, '`selector` does not match template `labels`', labels.fields);
  }
}

function checkUpdate(found: Findings, spec: Place, before: Place): void {
  for (const name of [
    'selector',
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
  ]) {
    found.immutable(spec.child(name), before.child(name));
  }
  const isIndexed = spec.child('completionMode').text === 'Indexed';
  const completions = spec.child('completions');
  // An indexed Job may be made larger or smaller as long as all of its pods run at once.
  const isElastic = isIndexed && completions.number === spec.child('parallelism').number;
  if (!isElastic) found.immutable(completions, before.child('completions'));
  const isHeld = before.child('suspend').flag;
  if (!isHeld) found.immutable(spec.child('template'), before.child('template'));
}

const conditionOf = (object: Place, type: string): Place | undefined =>
  object
    .child('status')
    .child('conditions')
    .items()
    .find(condition => condition.child('type').text === type && condition.child('status').text === 'True');

function statusText(object: Place): string {
  for (const [type, shown] of [
    ['Complete', 'Complete'],
    ['Failed', 'Failed'],
  ] as const) {
    if (conditionOf(object, type) !== undefined) return shown;
  }
  if (object.child('metadata').child('deletionTimestamp').present) return 'Terminating';
  if (conditionOf(object, 'Suspended') !== undefined) return 'Suspended';
  if (conditionOf(object, 'FailureTarget') !== undefined) return 'FailureTarget';
  if (conditionOf(object, 'SuccessCriteriaMet') !== undefined) return 'SuccessCriteriaMet';
  return 'Running';
}

function completionsText(object: Place): string {
  const spec = object.child('spec');
  const succeeded = object.child('status').child('succeeded').number;
  if (spec.child('completions').present) return `${succeeded}/${spec.child('completions').number}`;
  const parallelism = spec.child('parallelism').number;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText(object: Place, now: number): string {
  const status = object.child('status');
  const began = parseTime(status.child('startTime').text);
  if (began === undefined) return '';
  const ended =
    parseTime(status.child('completionTime').text) ??
    parseTime(conditionOf(object, 'Failed')?.child('lastTransitionTime').text ?? '');
  return humanDuration((ended ?? now) - began);
}
