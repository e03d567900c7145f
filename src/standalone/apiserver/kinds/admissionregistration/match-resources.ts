import { fill } from '../defaults.ts';
import type { Fields } from '../../object.ts';
import { dnsLabel1035, pathSegment, qualifiedName } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';

export const FAILURE_POLICIES = ['Fail', 'Ignore'];
export const MATCH_POLICIES = ['Equivalent', 'Exact'];
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
const MOST_CONDITIONS = 64;

/** What is not said is concerned: every namespace, every object, every version of a resource. */
export const withMatchDefaults = (resources: Fields): Fields =>
  fill(resources, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} });

export const withScope = (rule: Fields): Fields => fill(rule, { scope: '*' });

export function checkMatchResources(found: Findings, resources: Place): void {
  found.oneOf(resources.child('matchPolicy'), MATCH_POLICIES);
  for (const name of ['namespaceSelector', 'objectSelector']) {
    const selector = resources.child(name);
    if (selector.present) checkLabelSelector(found, selector);
    else found.required(selector);
  }
  for (const field of ['resourceRules', 'excludeResourceRules']) {
    for (const rule of resources.child(field).items()) checkNamedRule(found, rule);
  }
}

function checkNamedRule(found: Findings, rule: Place): void {
  const seen = new Set<string>();
  for (const name of rule.child('resourceNames').items()) {
    found.complaints(name, pathSegment);
    if (seen.has(name.text)) found.duplicate(name);
    seen.add(name.text);
  }
  checkRule(found, rule);
}

export function checkRule(found: Findings, rule: Place): void {
  const operations = rule.child('operations');
  needed(found, operations);
  starAlone(found, operations, 'operations');
  for (const operation of operations.items()) {
    if (!OPERATIONS.includes(operation.text)) found.notSupported(operation, OPERATIONS);
  }
  const [groups, versions] = [rule.child('apiGroups'), rule.child('apiVersions')];
  needed(found, groups);
  starAlone(found, groups, 'API groups');
  needed(found, versions);
  starAlone(found, versions, 'API versions');
  for (const version of versions.items()) if (version.text === '') found.required(version);
  checkResources(found, rule.child('resources'));
  found.optionalOneOf(rule.child('scope'), SCOPES);
}

function needed(found: Findings, list: Place): void {
  if (list.list.length === 0) found.required(list);
}

function starAlone(found: Findings, list: Place, others: string): void {
  if (list.list.length > 1 && list.texts.includes('*')) {
    found.invalid(list, `if '*' is present, must not specify other ${others}`);
  }
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*` and `/scale` in one, `*` and `/*`: none may be said twice by a star. */
function checkResources(found: Findings, resources: Place): void {
  needed(found, resources);
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  let endsPlain = false;
  for (const item of resources.items()) {
    const { text } = item;
    if (text === '') found.required(item);
    const at = text.indexOf('/');
    if (at < 0) {
      if (text !== '') endsPlain = text !== '*';
      continue;
    }
    const [resource, subresource] = [text.slice(0, at), text.slice(at + 1)];
    if (wholes.has(resource)) {
      found.invalid(item, `if '${resource}/*' is present, must not specify ${text}`);
    }
    if (everywhere.has(subresource)) {
      found.invalid(item, `if '*/${subresource}' is present, must not specify ${text}`);
    }
    if (subresource === '*') wholes.add(resource);
    if (resource === '*') everywhere.add(subresource);
  }
  if (resources.list.length > 1 && resources.texts.includes('*/*')) {
    found.invalid(resources, "if '*/*' is present, must not specify other resources");
  }
  if (resources.texts.includes('*') && endsPlain) {
    found.invalid(resources, "if '*' is present, must not specify other resources without subresources");
  }
}

/** Names and bounds; whether the expressions can be read is checked where they are evaluated. */
export function checkMatchConditions(found: Findings, conditions: Place): void {
  if (conditions.list.length > MOST_CONDITIONS) found.tooMany(conditions, MOST_CONDITIONS);
  const seen = new Set<string>();
  for (const condition of conditions.items()) {
    const [name, expression] = [condition.child('name'), condition.child('expression')];
    if (expression.text.trim() === '') found.required(expression);
    if (name.text === '') found.required(name);
    else {
      found.complaints(name, qualifiedName);
      if (seen.has(name.text)) found.duplicate(name);
      seen.add(name.text);
    }
  }
}

/** `apiVersion` and `kind` of the objects that a policy reads. */
export function checkParamKind(found: Findings, param: Place): void {
  if (!param.present) return;
  const [version, kind] = [param.child('apiVersion'), param.child('kind')];
  if (version.text === '') found.required(version);
  else {
    const parts = version.text.split('/');
    const name = parts.at(-1) ?? '';
    if (parts.length > 2) found.invalid(version, `unexpected GroupVersion string: ${version.text}`);
    else if (name === '') found.invalid(version, 'version must be specified');
    else for (const complaint of dnsLabel1035(name)) found.invalid(version, complaint, name);
  }
  if (kind.text === '') found.required(kind);
  else {
    const complaints = dnsLabel1035(kind.text.toLowerCase());
    if (complaints.length > 0) {
      found.invalid(kind, `may have mixed case, but should otherwise match: ${complaints.join(',')}`);
    }
  }
}
