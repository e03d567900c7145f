import type { Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import { valueAt } from '../object.ts';
import type { User } from '../request.ts';
import { StatusError, forbidden } from '../status.ts';
import type { Store } from '../store/store.ts';
import type { Authorizer, Rule } from './attributes.ts';
import { ruleAllows } from './attributes.ts';
import { isAggregating, rulesOfRole } from './rbac.ts';

const GROUP = 'rbac.authorization.k8s.io';
/** Single permissions of a role that are compared one by one; all combinations of long lists would be billions. */
const MOST_COMPARED = 20_000;
/** What an aggregated role may ever gather is only known to be held by who holds everything. */
const EVERYTHING: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] },
  { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ['*'] },
];

/**
 * Nobody gives away more than he has: who writes a role needs all that it allows (or the verb `escalate`), who binds one
 * as well (or the verb `bind`). Throws 403 with what is missing.
 */
export function assertNoEscalation(
  context: { readonly store: Store; readonly authorizer: Authorizer },
  user: User,
  kind: Kind,
  object: ApiObject,
): void {
  if (kind.group !== GROUP) return;
  const { name = '', namespace = '' } = object.metadata;
  const isRole = kind.kind === 'Role' || kind.kind === 'ClusterRole';
  const roleKind = isRole ? kind.kind : String(valueAt(object, ['roleRef', 'kind']));
  const roleName = isRole ? name : String(valueAt(object, ['roleRef', 'name']));
  const resource = roleKind === 'Role' ? 'roles' : 'clusterroles';
  const verb = isRole ? 'escalate' : 'bind';
  const may = { is: 'resource', verb, group: GROUP, resource, namespace, name: roleName } as const;
  if (context.authorizer.decide(user, may).allowed) return;
  const key = roleKind === 'Role' ? `${namespace}/${roleName}` : roleName;
  const role = isRole ? object : context.store.newest(`${GROUP}/${resource}`, key)?.object;
  const held = context.authorizer.rulesOf(user, namespace);
  const given = isRole && isAggregating(object) ? EVERYTHING : rulesOfRole(context.store, role);
  assertComparable(kind, name, given);
  const missing = given.flatMap(simpleRules).filter(rule => !covers(held, rule));
  if (missing.length === 0) return;
  const groups = JSON.stringify(user.groups);
  const shown = missing.slice(0, 20).map(ruleText).join('\n');
  throw new StatusError(
    403,
    'Forbidden',
    `${kind.plural}.${GROUP} "${name}" is forbidden: user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n${shown}`,
    { name, group: GROUP, kind: kind.plural },
  );
}

function assertComparable(kind: Kind, name: string, rules: readonly Rule[]): void {
  const sizes = rules.map(
    ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }) =>
      verbs.length *
      (apiGroups.length * resources.length * Math.max(resourceNames.length, 1) + nonResourceURLs.length),
  );
  if (sizes.reduce((sum, size) => sum + size, 0) <= MOST_COMPARED) return;
  throw forbidden(kind, name, `it allows more than ${MOST_COMPARED} single things: grant less, or by "*"`);
}

/** One verb, one group, one resource, one name: what can be looked up. */
function simpleRules(rule: Rule): readonly Rule[] {
  const names = rule.resourceNames.length === 0 ? [[]] : rule.resourceNames.map(name => [name]);
  const byResource = rule.verbs.flatMap(verb =>
    rule.apiGroups.flatMap(group =>
      rule.resources.flatMap(resource =>
        names.map(resourceNames => ({
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames,
          nonResourceURLs: [],
        })),
      ),
    ),
  );
  const byPath = rule.verbs.flatMap(verb =>
    rule.nonResourceURLs.map(url => ({
      verbs: [verb],
      apiGroups: [],
      resources: [],
      resourceNames: [],
      nonResourceURLs: [url],
    })),
  );
  return [...byResource, ...byPath];
}

/** A star that is given away has to be held as a star: it is looked up as if it were a name. */
function covers(
  held: readonly Rule[],
  { verbs, apiGroups, resources, resourceNames, nonResourceURLs }: Rule,
): boolean {
  const [verb = '', group = '', resource = '', name = '', path] = [
    verbs[0],
    apiGroups[0],
    resources[0],
    resourceNames[0],
    nonResourceURLs[0],
  ];
  return held.some(rule =>
    path === undefined
      ? ruleAllows(rule, { is: 'resource', verb, group, resource, namespace: '', name })
      : ruleAllows(rule, { is: 'path', verb, path }),
  );
}

function ruleText({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: Rule): string {
  const list = (texts: readonly string[]) => `[${texts.map(text => JSON.stringify(text)).join(' ')}]`;
  if (nonResourceURLs.length > 0) return `{NonResourceURLs:${list(nonResourceURLs)}, Verbs:${list(verbs)}}`;
  const names = resourceNames.length === 0 ? '' : `, ResourceNames:${list(resourceNames)}`;
  return `{APIGroups:${list(apiGroups)}, Resources:${list(resources)}${names}, Verbs:${list(verbs)}}`;
}
