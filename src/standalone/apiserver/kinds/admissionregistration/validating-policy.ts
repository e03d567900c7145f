import type { Fields } from '../../object.ts';
import { fill, inTurn, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { dnsSubdomain, pathSegment, qualifiedName } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';
import {
  FAILURE_POLICIES,
  checkMatchConditions,
  checkMatchResources,
  checkParamKind,
  withMatchDefaults,
  withScope,
} from './match-resources.ts';

const GROUP = 'admissionregistration.k8s.io';
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const ACTIONS = ['Audit', 'Deny', 'Warn'];
const MOST_ANNOTATIONS = 20;
const LONGEST_VALUE_EXPRESSION = 5 * 1024;

const withRules = (resources: Fields): Fields =>
  inTurn(
    withMatchDefaults,
    inner => withinEach(inner, 'resourceRules', withScope),
    inner => withinEach(inner, 'excludeResourceRules', withScope),
  )(resources);

export const VALIDATING_ADMISSION_POLICY: Definition = {
  group: GROUP,
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  namespaced: false,
  categories: ['api-extensions'],
  subresources: [statusOf('ValidatingAdmissionPolicy')],
  defaults: object =>
    within(
      fill(object, { spec: {} }),
      'spec',
      inTurn(
        spec => fill(spec, { failurePolicy: 'Fail' }),
        spec => within(spec, 'matchConstraints', withRules),
      ),
    ),
  validate: (found, object, _before, subresource) => {
    if (subresource !== 'status') checkPolicy(found, object);
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Validations', 'How many expressions have to hold.', 'integer'),
      column('ParamKind', 'Kind of the objects that it reads as params.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('validations').list.length,
      paramKindText(object.child('spec').child('paramKind')),
      ageOf(object, now),
    ],
  },
};

const paramKindText = (kind: Place): string =>
  kind.present ? `${kind.child('apiVersion').text}/${kind.child('kind').text}` : '<unset>';

function checkPolicy(found: Findings, object: Place): void {
  const spec = object.child('spec');
  found.oneOf(spec.child('failurePolicy'), FAILURE_POLICIES);
  checkParamKind(found, spec.child('paramKind'));
  const constraints = spec.child('matchConstraints');
  if (!constraints.present) found.required(constraints);
  else {
    checkMatchResources(found, constraints);
    const rules = constraints.child('resourceRules');
    if (rules.list.length === 0) found.required(rules);
  }
  checkMatchConditions(found, spec.child('matchConditions'));
  for (const variable of spec.child('variables').items()) checkVariable(found, variable);
  const [validations, annotations] = [spec.child('validations'), spec.child('auditAnnotations')];
  if (validations.list.length === 0 && annotations.list.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    found.required(validations, why);
    found.required(annotations, why);
  }
  for (const validation of validations.items()) checkValidation(found, validation);
  checkAnnotations(found, nameOf(object), annotations);
}

function checkVariable(found: Findings, variable: Place): void {
  const [name, expression] = [variable.child('name'), variable.child('expression')];
  if (name.text.trim() === '') found.required(name, 'name is not specified');
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name.text)) {
    found.invalid(name, 'must be a valid CEL identifier');
  }
  if (expression.text.trim() === '') found.required(expression, 'expression is not specified');
}

function checkValidation(found: Findings, validation: Place): void {
  const [expression, message] = [validation.child('expression'), validation.child('message')];
  if (expression.text.trim() === '') found.required(expression, 'expression is not specified');
  const computed = validation.child('messageExpression');
  if (computed.text !== '' && computed.text.trim() === '') {
    found.invalid(computed, 'must be non-empty if specified');
  }
  if (message.text !== '' && message.text.trim() === '') {
    found.invalid(message, 'must be non-empty if specified');
  } else if (/[\n\r]/.test(message.text.trim())) {
    found.invalid(message, 'must not contain line breaks');
  }
  found.optionalOneOf(validation.child('reason'), REASONS);
}

function checkAnnotations(found: Findings, policy: string, annotations: Place): void {
  if (annotations.list.length > MOST_ANNOTATIONS) {
    found.invalid(annotations, `must not have more than ${MOST_ANNOTATIONS} auditAnnotations`);
  }
  const seen = new Set<string>();
  for (const annotation of annotations.items()) {
    const [key, expression] = [annotation.child('key'), annotation.child('valueExpression')];
    if (policy === '') found.invalid(key, 'requires metadata.name be non-empty');
    else found.complaints(key, text => qualifiedName(`${policy}/${text}`));
    if (expression.text.trim() === '') {
      found.required(expression, 'valueExpression is not specified');
    } else if (expression.text.trim().length > LONGEST_VALUE_EXPRESSION) {
      found.required(expression, `must not exceed ${LONGEST_VALUE_EXPRESSION} bytes in length`);
    }
    if (seen.has(key.text)) found.duplicate(key);
    seen.add(key.text);
  }
}

export const VALIDATING_ADMISSION_POLICY_BINDING: Definition = {
  group: GROUP,
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  namespaced: false,
  categories: ['api-extensions'],
  defaults: object =>
    within(fill(object, { spec: {} }), 'spec', spec => within(spec, 'matchResources', withRules)),
  validate: (found, object) => {
    const spec = object.child('spec');
    const name = spec.child('policyName');
    if (name.text === '') found.required(name);
    else found.complaints(name, dnsSubdomain);
    checkParamRef(found, spec.child('paramRef'));
    const resources = spec.child('matchResources');
    if (resources.present) checkMatchResources(found, resources);
    checkActions(found, spec.child('validationActions'));
  },
  strategy: { countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('PolicyName', 'The policy that is bound.'),
      column('ParamRef', 'The objects that the policy reads as params.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('policyName').text,
      paramRefText(object.child('spec').child('paramRef')),
      ageOf(object, now),
    ],
  },
};

function paramRefText(reference: Place): string {
  if (!reference.present) return '<unset>';
  const [name, namespace] = [reference.child('name').text, reference.child('namespace').text];
  if (name === '') return '*';
  return namespace === '' ? name : `${namespace}/${name}`;
}

function checkParamRef(found: Findings, reference: Place): void {
  if (!reference.present) return;
  const exclusive = 'name and selector are mutually exclusive';
  const [name, selector] = [reference.child('name'), reference.child('selector')];
  if (name.text !== '') {
    found.complaints(name, pathSegment);
    if (selector.present) found.forbidden(name, exclusive);
  }
  if (selector.present) {
    checkLabelSelector(found, selector);
    if (name.text !== '') found.forbidden(selector, exclusive);
  }
  if (name.text === '' && !selector.present) {
    found.required(reference, 'one of name or selector must be specified');
  }
  found.oneOf(reference.child('parameterNotFoundAction'), ['Deny', 'Allow']);
}

function checkActions(found: Findings, actions: Place): void {
  const seen = new Set<string>();
  for (const action of actions.items()) {
    if (!ACTIONS.includes(action.text)) found.notSupported(action, ACTIONS);
    if (seen.has(action.text)) found.duplicate(action);
    seen.add(action.text);
  }
  if (seen.has('Deny') && seen.has('Warn')) {
    found.invalid(
      actions,
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    );
  }
  if (seen.size === 0) found.required(actions, 'at least one validation action is required');
}
