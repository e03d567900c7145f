import type { User } from '../request.ts';

/** What is to be done, as an authorizer is asked (authorization.k8s.io/v1). */
export type Attributes =
  | {
      readonly is: 'resource';
      readonly verb: string;
      readonly group: string;
      /** With the subresource after a slash: `pods/log`. */
      readonly resource: string;
      /** Empty for objects without one, and for all namespaces. */
      readonly namespace: string;
      /** Empty where no object is named. */
      readonly name: string;
    }
  | { readonly is: 'path'; readonly verb: string; readonly path: string };

export interface Verdict {
  readonly allowed: boolean;
  /** Which binding allows it; '' where nothing does. */
  readonly reason: string;
}

/** A rule of a role, as rbac.authorization.k8s.io/v1 PolicyRule. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Members of it may do everything, whatever the roles say: the way back into a cluster whose roles are gone. */
export const MASTERS = 'system:masters';

export interface Authorizer {
  decide(user: User, attributes: Attributes): Verdict;
  /** Every rule that holds for the user in a namespace ('' for the cluster). */
  rulesOf(user: User, namespace: string): readonly Rule[];
}

export function ruleAllows(rule: Rule, attributes: Attributes): boolean {
  const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.is === 'path') {
    return rule.nonResourceURLs.some(
      url => url === attributes.path || (url.endsWith('*') && attributes.path.startsWith(url.slice(0, -1))),
    );
  }
  return (
    has(rule.apiGroups, attributes.group) &&
    resourceMatches(rule.resources, attributes.resource) &&
    (rule.resourceNames.length === 0 ||
      (attributes.name !== '' && rule.resourceNames.includes(attributes.name)))
  );
}

/** `*` is everything, also subresources; a slash and a star before a subresource stands for that of every resource. */
function resourceMatches(resources: readonly string[], wanted: string): boolean {
  const subresource = wanted.split('/')[1];
  return resources.some(
    resource =>
      resource === '*' ||
      resource === wanted ||
      (subresource !== undefined && resource === `*/${subresource}`),
  );
}
