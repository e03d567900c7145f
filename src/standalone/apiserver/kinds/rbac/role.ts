import type { Definition } from '../define.ts';
import { NAME, column, nameOf } from '../print/columns.ts';
import { pathSegment } from '../text/names.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const TABLE: Definition['table'] = {
  columns: [NAME, column('Created At', 'When it was created.', 'date')],
  cells: object => [nameOf(object), object.child('metadata').child('creationTimestamp').text],
};

export const ROLE: Definition = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  schema: 'io.k8s.api.rbac.v1.Role',
  namespaced: true,
  nameFormat: 'path-segment',
  validate: (found, object) => checkRules(found, object.child('rules'), true),
  table: TABLE,
};

export const CLUSTER_ROLE: Definition = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  schema: 'io.k8s.api.rbac.v1.ClusterRole',
  namespaced: false,
  nameFormat: 'path-segment',
  validate: (found, object) => {
    checkRules(found, object.child('rules'), false);
    const aggregation = object.child('aggregationRule');
    const selectors = aggregation.child('clusterRoleSelectors');
    if (aggregation.present && selectors.list.length === 0) {
      found.required(selectors, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
    }
    for (const selector of selectors.items()) checkLabelSelector(found, selector);
  },
  table: TABLE,
};

function checkRules(found: Findings, rules: Place, isNamespaced: boolean): void {
  for (const rule of rules.items()) {
    const [verbs, urls] = [rule.child('verbs'), rule.child('nonResourceURLs')];
    const [groups, resources] = [rule.child('apiGroups'), rule.child('resources')];
    if (verbs.list.length === 0) found.required(verbs, 'verbs must contain at least one value');
    if (urls.list.length > 0) {
      if (isNamespaced) found.invalid(urls, 'namespaced rules cannot apply to non-resource URLs');
      if (
        groups.list.length > 0 ||
        resources.list.length > 0 ||
        rule.child('resourceNames').list.length > 0
      ) {
        found.invalid(urls, 'rules cannot apply to both regular resources and non-resource URLs');
      }
      continue;
    }
    if (groups.list.length === 0) {
      found.required(groups, 'resource rules must supply at least one api group');
    }
    if (resources.list.length === 0) {
      found.required(resources, 'resource rules must supply at least one resource');
    }
    for (const name of rule.child('resourceNames').items()) found.complaints(name, pathSegment);
  }
}
