import type { Fields } from '../../object.ts';
import { fill, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf, wideColumn } from '../print/columns.ts';
import { dnsSubdomain, pathSegment } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const GROUP = 'rbac.authorization.k8s.io';

const TABLE: Definition['table'] = {
  columns: [
    NAME,
    column('Role', 'The role that is bound.'),
    AGE,
    wideColumn('Users', 'Users that it is bound to.'),
    wideColumn('Groups', 'Groups that it is bound to.'),
    wideColumn('ServiceAccounts', 'Service accounts that it is bound to.'),
  ],
  cells: (object, now) => {
    const role = object.child('roleRef');
    return [
      nameOf(object),
      `${role.child('kind').text}/${role.child('name').text}`,
      ageOf(object, now),
      ...['User', 'Group', 'ServiceAccount'].map(kind => subjectsText(object, kind)),
    ];
  },
};

export const ROLE_BINDING: Definition = {
  group: GROUP,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  schema: 'io.k8s.api.rbac.v1.RoleBinding',
  namespaced: true,
  nameFormat: 'path-segment',
  defaults: bindingDefaults,
  validate: (found, object, before) => checkBinding(found, object, before, ['Role', 'ClusterRole']),
  table: TABLE,
};

export const CLUSTER_ROLE_BINDING: Definition = {
  group: GROUP,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  schema: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
  namespaced: false,
  nameFormat: 'path-segment',
  defaults: bindingDefaults,
  validate: (found, object, before) => checkBinding(found, object, before, ['ClusterRole']),
  table: TABLE,
};

function bindingDefaults(object: Fields): Fields {
  const withRole = within(object, 'roleRef', role => fillText(role, 'apiGroup', GROUP));
  return withinEach(withRole, 'subjects', subject =>
    subject['kind'] === 'User' || subject['kind'] === 'Group'
      ? fillText(subject, 'apiGroup', GROUP)
      : subject,
  );
}

const fillText = (object: Fields, name: string, value: string): Fields =>
  object[name] === '' ? { ...object, [name]: value } : fill(object, { [name]: value });

function checkBinding(
  found: Findings,
  object: Place,
  before: Place | undefined,
  kinds: readonly string[],
): void {
  const role = object.child('roleRef');
  if (role.child('apiGroup').text !== GROUP) found.notSupported(role.child('apiGroup'), [GROUP]);
  if (!kinds.includes(role.child('kind').text)) found.notSupported(role.child('kind'), kinds);
  if (role.child('name').text === '') found.required(role.child('name'));
  else found.complaints(role.child('name'), pathSegment);
  for (const subject of object.child('subjects').items()) {
    checkSubject(found, subject, kinds.includes('Role'));
  }
  if (before !== undefined) found.immutable(role, before.child('roleRef'), 'cannot change roleRef');
}

function checkSubject(found: Findings, subject: Place, isNamespaced: boolean): void {
  const [name, group, namespace] = [
    subject.child('name'),
    subject.child('apiGroup'),
    subject.child('namespace'),
  ];
  if (name.text === '') found.required(name);
  switch (subject.child('kind').text) {
    case 'ServiceAccount':
      if (name.text !== '') found.complaints(name, dnsSubdomain);
      if (group.text !== '') found.notSupported(group, ['']);
      if (!isNamespaced && namespace.text === '') found.required(namespace);
      break;
    case 'User':
    case 'Group':
      if (group.text !== GROUP) found.notSupported(group, [GROUP]);
      break;
    default:
      found.notSupported(subject.child('kind'), ['ServiceAccount', 'User', 'Group']);
  }
}

function subjectsText(object: Place, kind: string): string {
  return object
    .child('subjects')
    .items()
    .filter(subject => subject.child('kind').text === kind)
    .map(subject =>
      kind === 'ServiceAccount'
        ? `${subject.child('namespace').text}/${subject.child('name').text}`
        : subject.child('name').text,
    )
    .join(', ');
}
