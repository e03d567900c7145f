import { matchesSelector } from '../../../kube/selector.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields, valueAt } from '../object.ts';
import type { User } from '../request.ts';
import type { Store } from '../store/store.ts';
import type { Attributes, Authorizer, Rule, Verdict } from './attributes.ts';
import { MASTERS, ruleAllows } from './attributes.ts';

const GROUP = 'rbac.authorization.k8s.io';
const STORAGES = ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map(
  name => `${GROUP}/${name}`,
);
/** Users and namespaces whose rules are kept; thousands of pods with accounts of their own are gathered anew. */
const MOST_KEPT = 2000;

interface Grant {
  readonly rules: readonly Rule[];
  readonly reason: string;
}

/** Access by roles and bindings in the store. What a user may do is gathered once, until a role or binding changes. */
export class Rbac implements Authorizer {
  readonly #store: Store;
  readonly #grants = new Map<string, readonly Grant[]>();

  constructor(store: Store) {
    this.#store = store;
    for (const storage of STORAGES) store.watch(storage, () => this.#grants.clear());
  }

  decide(user: User, attributes: Attributes): Verdict {
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
    const namespace = attributes.is === 'resource' ? attributes.namespace : '';
    const grant = this.#grantsOf(user, namespace).find(({ rules }) =>
      rules.some(rule => ruleAllows(rule, attributes)),
    );
    return grant === undefined ? { allowed: false, reason: '' } : { allowed: true, reason: grant.reason };
  }

  rulesOf(user: User, namespace: string): readonly Rule[] {
    const everything: Rule = {
      verbs: ['*'],
      apiGroups: ['*'],
      resources: ['*'],
      resourceNames: [],
      nonResourceURLs: [],
    };
    const paths: Rule = { ...everything, apiGroups: [], resources: [], nonResourceURLs: ['*'] };
    const all = user.groups.includes(MASTERS) ? [everything, paths] : [];
    return [...all, ...this.#grantsOf(user, namespace).flatMap(({ rules }) => rules)];
  }

  #grantsOf(user: User, namespace: string): readonly Grant[] {
    const key = JSON.stringify([user.name, user.groups, namespace]);
    const known = this.#grants.get(key);
    if (known !== undefined) return known;
    const found = [
      ...this.#bound('clusterrolebindings', '', user),
      ...(namespace === '' ? [] : this.#bound('rolebindings', `${namespace}/`, user)),
    ];
    if (this.#grants.size >= MOST_KEPT) this.#grants.clear();
    this.#grants.set(key, found);
    return found;
  }

  #bound(plural: string, prefix: string, user: User): readonly Grant[] {
    const bindings = this.#store.list(`${GROUP}/${plural}`, prefix)?.entries ?? [];
    return bindings
      .filter(({ object }) => listOf(object['subjects']).some(subject => isSubject(subject, user, object)))
      .map(({ object, key }) => ({
        rules: this.#rulesOfRole(object),
        reason: `RBAC: allowed by ${object.kind} ${JSON.stringify(key)} of ${String(valueAt(object, ['roleRef', 'kind']))} ${JSON.stringify(valueAt(object, ['roleRef', 'name']))}`,
      }));
  }

  #rulesOfRole(binding: ApiObject): readonly Rule[] {
    const name = textOf(valueAt(binding, ['roleRef', 'name']));
    if (valueAt(binding, ['roleRef', 'kind']) === 'Role') {
      return rulesIn(
        this.#store.get(`${GROUP}/roles`, `${binding.metadata.namespace ?? ''}/${name}`)?.object,
      );
    }
    return rulesOfRole(this.#store, this.#store.get(`${GROUP}/clusterroles`, name)?.object);
  }
}

function isSubject(subject: Fields, user: User, binding: ApiObject): boolean {
  const name = textOf(subject['name']);
  switch (subject['kind']) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = textOf(subject['namespace'] ?? binding.metadata.namespace);
      return user.name === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

/** The rules of a role, and by `aggregationRule` those of all ClusterRoles with such labels. */
export function rulesOfRole(store: Store, role: ApiObject | undefined): readonly Rule[] {
  const selectors = selectorsOf(role);
  if (selectors.length === 0) return rulesIn(role);
  const others = (store.list(`${GROUP}/clusterroles`, '')?.entries ?? [])
    .map(({ object }) => object)
    .filter(other => other.metadata.uid !== role?.metadata.uid)
    .filter(other => selectors.some(selector => matchesSelector(selector, other.metadata.labels ?? {})));
  return [...rulesIn(role), ...others.flatMap(rulesIn)];
}

/** The rules that a role's `aggregationRule` gathers, as they are written: by the names of the roles, each rule once. */
export function rulesOfOthers(store: Store, role: ApiObject): readonly Fields[] {
  const selectors = selectorsOf(role);
  const found = store
    .newestOf(`${GROUP}/clusterroles`)
    .map(({ object }) => object)
    .filter(other => other.metadata.name !== role.metadata.name)
    .filter(other => selectors.some(selector => matchesSelector(selector, other.metadata.labels ?? {})))
    .toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .flatMap(other => listOf(other['rules']));
  return [...new Map(found.map(rule => [JSON.stringify(rule), rule])).values()];
}

/** Whether a role takes in the rules of others. */
export const isAggregating = (role: ApiObject): boolean => selectorsOf(role).length > 0;

const selectorsOf = (role: ApiObject | undefined): readonly Fields[] =>
  listOf(valueAt(role, ['aggregationRule', 'clusterRoleSelectors']));

const rulesIn = (role: Fields | undefined): readonly Rule[] => listOf(role?.['rules']).map(ruleOf);

function ruleOf(rule: Fields): Rule {
  const texts = (name: string) =>
    Array.isArray(rule[name]) ? (rule[name] as readonly unknown[]).map(String) : [];
  return {
    verbs: texts('verbs'),
    apiGroups: texts('apiGroups'),
    resources: texts('resources'),
    resourceNames: texts('resourceNames'),
    nonResourceURLs: texts('nonResourceURLs'),
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
