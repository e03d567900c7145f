import type { Subresource } from '../../kind.ts';
import type { ApiObject, Fields } from '../../object.ts';
import { podTemplateDefaults } from '../core/pod-defaults.ts';
import { checkPodSpec } from '../core/pod-validation.ts';
import { fill, inTurn, within } from '../defaults.ts';
import { rootOf } from '../validation/place.ts';
import type { Place } from '../validation/place.ts';
import { selectorText, wideColumn } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import {
  checkAnnotations,
  checkLabelSelector,
  checkLabels,
  selectsEverything,
} from '../validation/labels.ts';

/** `/scale` of a workload: autoscaling/v1 Scale over its replicas. */
export const SCALE: Subresource = {
  name: 'scale',
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  verbs: ['get', 'patch', 'update'],
  scale: {
    specReplicas: ['spec', 'replicas'],
    statusReplicas: ['status', 'replicas'],
    selector: (object: ApiObject) => {
      const text = selectorText(rootOf(object).child('spec').child('selector'));
      return text === '<none>' ? '' : text;
    },
  },
};

/** Of a workload: `withSpec` for its spec, then those of its pod template. */
export const workloadDefaults =
  (withSpec: (spec: Fields) => Fields) =>
  (object: Fields): Fields =>
    within(
      fill(object, { spec: {} }),
      'spec',
      inTurn(withSpec, spec => within(spec, 'template', podTemplateDefaults)),
    );

/** Of a strategy, which rolls unless it says otherwise; `values` are for `rollingUpdate`. */
export const rollingUpdateDefaults =
  (values: Fields) =>
  (strategy: Fields): Fields => {
    const typed = fill(strategy, { type: 'RollingUpdate' });
    if (typed['type'] !== 'RollingUpdate') return typed;
    return within(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', rolling => fill(rolling, values));
  };

/** Columns of every workload with `-o wide`. */
export const TEMPLATE_COLUMNS = [
  wideColumn('Containers', 'Names of the containers of the template.'),
  wideColumn('Images', 'Images of the containers of the template.'),
  wideColumn('Selector', 'Which pods belong to it.'),
];

export function templateCells(object: Place): readonly string[] {
  const spec = object.child('spec');
  const containers = spec.child('template').child('spec').child('containers').items();
  const names = containers.map(container => container.child('name').text).join(',');
  const images = containers.map(container => container.child('image').text).join(',');
  return [names, images, selectorText(spec.child('selector'))];
}

/** What Deployments and ReplicaSets have in common: replicas, a selector, and a template that it selects. */
export function checkWorkload(found: Findings, object: Place, before: Place | undefined, kind: string): void {
  const spec = object.child('spec');
  found.notNegative(spec.child('replicas'));
  found.notNegative(spec.child('minReadySeconds'));
  const selector = spec.child('selector');
  if (selector.present) {
    checkLabelSelector(found, selector);
    if (selectsEverything(selector)) found.invalid(selector, `empty selector is invalid for ${kind}`);
  } else if (kind !== 'daemonset') found.required(selector);
  const claims = spec.child('volumeClaimTemplates').items();
  const claimed = claims.map(claim => claim.child('metadata').child('name').text);
  checkTemplate(found, spec.child('template'), selector, claimed);
  if (before !== undefined) found.immutable(selector, before.child('spec').child('selector'));
}

function checkTemplate(found: Findings, template: Place, selector: Place, claimed: readonly string[]): void {
  const metadata = template.child('metadata');
  const labels = metadata.child('labels');
  // No selector selects nothing.
  const isWrong = !selector.present || (!selectsEverything(selector) && !matches(selector, labels));
  if (isWrong) {
    const detail = '`selector` does not match template `labels`';
    found.add({ type: 'Invalid', field: labels.path, value: labels.present ? labels.fields : null, detail });
  }
  checkTemplateSpec(found, template, claimed);
  const restart = template.child('spec').child('restartPolicy');
  if (restart.present && restart.text !== 'Always') found.notSupported(restart, ['Always']);
  const deadline = template.child('spec').child('activeDeadlineSeconds');
  if (deadline.present) found.forbidden(deadline, 'activeDeadlineSeconds in ReplicaSet is not Supported');
}

/** What every pod template has to be, whoever makes pods of it. */
export function checkTemplateSpec(found: Findings, template: Place, claimed: readonly string[] = []): void {
  const metadata = template.child('metadata');
  checkLabels(found, metadata.child('labels'));
  checkAnnotations(found, metadata.child('annotations'));
  checkPodSpec(found, template.child('spec'), claimed);
  const ephemeral = template.child('spec').child('ephemeralContainers');
  if (ephemeral.list.length > 0)
    found.forbidden(ephemeral, 'ephemeral containers not allowed in pod template');
}

function matches(selector: Place, labels: Place): boolean {
  const equal = selector.child('matchLabels').entries();
  return (
    equal.every(([key, value]) => labels.key(key).value === value.text) &&
    selector
      .child('matchExpressions')
      .items()
      .every(requirement => {
        const value = labels.key(requirement.child('key').text);
        const listed = requirement.child('values').texts.includes(value.text);
        switch (requirement.child('operator').text) {
          case 'In':
            return value.present && listed;
          case 'NotIn':
            return !value.present || !listed;
          case 'Exists':
            return value.present;
          default:
            return !value.present;
        }
      })
  );
}
