import { matchesSelector } from '../../../kube/selector.ts';
import { storageOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields, textsOf, valueAt } from '../object.ts';
import { StatusError } from '../status.ts';
import type { Question, Writing } from './question.ts';

/** The labels of namespaces, and the kinds that there are: what matching looks up. */
export interface Surroundings {
  namespace(name: string): ApiObject | undefined;
  kinds(): readonly Kind[];
}

/**
 * The kind in whose form a rule is concerned with the question: its own, or with `matchPolicy: Equivalent` another
 * version of the same resource; undefined where no rule is.
 */
export function matchedKind(
  rules: unknown,
  matchPolicy: unknown,
  question: Question,
  around: Surroundings,
): Kind | undefined {
  const all = listOf(rules);
  if (all.some(rule => ruleMatches(rule, question, question.kind))) return question.kind;
  if (matchPolicy !== 'Equivalent') return undefined;
  const storage = storageOf(question.kind);
  return around
    .kinds()
    .find(
      kind =>
        kind !== question.kind &&
        storageOf(kind) === storage &&
        all.some(rule => ruleMatches(rule, question, kind)),
    );
}

/** One rule with operations (admissionregistration.k8s.io/v1 NamedRuleWithOperations) against a resource. */
export function ruleMatches(rule: Fields, question: Question, kind: Kind): boolean {
  const names = textsOf(rule['resourceNames']);
  return (
    isInScope(rule['scope'], question, kind) &&
    hasOrStar(rule['operations'], question.operation) &&
    hasOrStar(rule['apiGroups'], kind.group) &&
    hasOrStar(rule['apiVersions'], kind.version) &&
    textsOf(rule['resources']).some(text => isResource(text, kind.plural, question.subresource)) &&
    (names.length === 0 || names.includes(question.name))
  );
}

function isInScope(scope: unknown, question: Question, kind: Kind): boolean {
  if (scope === undefined || scope === '*') return true;
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  const isNamespaced = !isNamespace && question.namespace !== '';
  return scope === 'Namespaced' ? isNamespaced : scope === 'Cluster' && !isNamespaced;
}

function isResource(text: string, plural: string, subresource: string): boolean {
  const at = text.indexOf('/');
  const [resource, sub] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource);
}

/** MatchResources: the kind in whose form a policy or binding is concerned, undefined where it is not. */
export function matchResources(resources: Fields, writing: Writing, around: Surroundings): Kind | undefined {
  const { resourceRules, excludeResourceRules, matchPolicy } = resources;
  const excluded = matchedKind(excludeResourceRules, matchPolicy, writing, around);
  if (excluded !== undefined) return undefined;
  const rules = listOf(resourceRules);
  const kind = rules.length === 0 ? writing.kind : matchedKind(rules, matchPolicy, writing, around);
  if (kind === undefined) return undefined;
  return selects(resources, writing, around) ? kind : undefined;
}

/** `namespaceSelector` and `objectSelector`, of policies and of webhooks. */
export function selects(selectors: Fields, writing: Writing, around: Surroundings): boolean {
  return (
    selectsNamespace(selectors['namespaceSelector'], writing, around) &&
    selectsObject(selectors['objectSelector'], writing)
  );
}

/** Cluster-wide objects are never left out by it; a Namespace has its own labels. */
function selectsNamespace(selector: unknown, writing: Writing, around: Surroundings): boolean {
  const { kind, namespace, operation, subresource, object } = writing;
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  if ((namespace === '' && !isNamespace) || isEmpty(selector)) return true;
  const isWritten = operation === 'CREATE' || operation === 'UPDATE';
  if (isNamespace && subresource === '' && isWritten) return matches(selector, object);
  const found = around.namespace(namespace);
  if (found === undefined) {
    const details = { name: namespace, kind: 'namespaces' };
    throw new StatusError(404, 'NotFound', `namespaces "${namespace}" not found`, details);
  }
  return matches(selector, found);
}

/** The object as it is to be, or as it was. */
function selectsObject(selector: unknown, { object, before }: Writing): boolean {
  return isEmpty(selector) || matches(selector, object) || matches(selector, before);
}

function matches(selector: unknown, object: Fields | undefined): boolean {
  if (object === undefined || !isFields(selector)) return false;
  const labels = valueAt(object, ['metadata', 'labels']);
  // Selectors and labels were checked when they were written.
  return matchesSelector(selector, (isFields(labels) ? labels : {}) as Record<string, string>);
}

function isEmpty(selector: unknown): boolean {
  if (!isFields(selector)) return true;
  const { matchLabels, matchExpressions } = selector;
  return (
    Object.keys(isFields(matchLabels) ? matchLabels : {}).length === 0 &&
    listOf(matchExpressions).length === 0
  );
}

const hasOrStar = (list: unknown, wanted: string): boolean =>
  textsOf(list).some(text => text === '*' || text === wanted);

/** '' for what is no text. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.filter(isFields) : [];
