import { labelValue, qualifiedName } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

export function checkAffinity(found: Findings, affinity: Place): void {
  const node = affinity.child('nodeAffinity');
  const required = node.child(REQUIRED);
  const terms = required.child('nodeSelectorTerms');
  if (required.present && terms.list.length === 0) {
    found.required(terms, 'must have at least one node selector term');
  }
  for (const term of terms.items()) checkNodeTerm(found, term);
  for (const preferred of node.child(PREFERRED).items()) {
    checkWeight(found, preferred);
    checkNodeTerm(found, preferred.child('preference'));
  }
  for (const name of ['podAffinity', 'podAntiAffinity']) {
    const pods = affinity.child(name);
    for (const term of pods.child(REQUIRED).items()) checkPodTerm(found, term);
    for (const preferred of pods.child(PREFERRED).items()) {
      checkWeight(found, preferred);
      checkPodTerm(found, preferred.child('podAffinityTerm'));
    }
  }
}

function checkWeight(found: Findings, preferred: Place): void {
  const weight = preferred.child('weight');
  if (weight.number <= 0 || weight.number > 100)
    found.invalid(weight, 'must be in the range 1-100', weight.number);
}

function checkNodeTerm(found: Findings, term: Place): void {
  for (const requirement of term.child('matchExpressions').items()) {
    checkNodeRequirement(found, requirement);
    found.complaints(requirement.child('key'), qualifiedName);
  }
  for (const requirement of term.child('matchFields').items()) {
    const key = requirement.child('key');
    if (key.text !== 'metadata.name') found.invalid(key, 'not a valid field selector key', key.text);
    if (requirement.child('values').list.length !== 1) {
      found.required(
        requirement.child('values'),
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      );
    }
  }
}

function checkNodeRequirement(found: Findings, requirement: Place): void {
  const operator = requirement.child('operator');
  const values = requirement.child('values');
  switch (operator.text) {
    case 'In':
    case 'NotIn':
      if (values.list.length === 0)
        found.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.list.length > 0) {
        found.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.list.length !== 1) {
        found.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      if (!OPERATORS.includes(operator.text))
        found.invalid(operator, 'not a valid selector operator', operator.text);
  }
}

function checkPodTerm(found: Findings, term: Place): void {
  checkLabelSelector(found, term.child('labelSelector'));
  checkLabelSelector(found, term.child('namespaceSelector'));
  const key = term.child('topologyKey');
  if (key.text === '') found.required(key, 'can not be empty');
  else found.complaints(key, qualifiedName);
}

export function checkTolerations(found: Findings, tolerations: Place): void {
  for (const toleration of tolerations.items()) {
    const [key, operator, value] = ['key', 'operator', 'value'].map(name => toleration.child(name)) as [
      Place,
      Place,
      Place,
    ];
    if (key.text !== '') found.complaints(key, qualifiedName);
    else if (operator.text !== 'Exists') {
      found.invalid(
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        operator.text,
      );
    }
    const effect = toleration.child('effect');
    if (toleration.child('tolerationSeconds').present && effect.text !== 'NoExecute') {
      found.invalid(effect, "effect must be 'NoExecute' when `tolerationSeconds` is set", effect.text);
    }
    if (operator.text === 'Exists') {
      if (value.text !== '')
        found.invalid(operator, "value must be empty when `operator` is 'Exists'", value.text);
    } else if (operator.text === '' || operator.text === 'Equal') found.complaints(value, labelValue);
    else found.notSupported(operator, ['Equal', 'Exists']);
    if (effect.text !== '') found.optionalOneOf(effect, EFFECTS);
  }
}

export function checkSpread(found: Findings, constraints: Place): void {
  const seen = new Set<string>();
  for (const constraint of constraints.items()) {
    const [skew, key, when] = ['maxSkew', 'topologyKey', 'whenUnsatisfiable'].map(name =>
      constraint.child(name),
    ) as [Place, Place, Place];
    if (skew.number <= 0) found.invalid(skew, 'must be greater than zero', skew.number);
    if (key.text === '') found.required(key, 'can not be empty');
    else found.complaints(key, qualifiedName);
    if (when.text !== 'DoNotSchedule' && when.text !== 'ScheduleAnyway') {
      found.notSupported(when, ['DoNotSchedule', 'ScheduleAnyway']);
    }
    const pair = `{${key.text}, ${when.text}}`;
    if (seen.has(pair)) found.duplicate(constraint.child('{topologyKey, whenUnsatisfiable}'), pair);
    seen.add(pair);
    checkLabelSelector(found, constraint.child('labelSelector'));
  }
}
