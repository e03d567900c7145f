import type { Definition } from '../define.ts';
import { NAME, column, nameOf } from '../print/columns.ts';
import { dnsSubdomain, pathSegment } from '../text/names.ts';
import { checkCanonicalAddress } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** An address that is taken, and by what (KEP-1880); its name is the address. */
export const IP_ADDRESS: Definition = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  schema: 'io.k8s.api.networking.v1.IPAddress',
  namespaced: false,
  shortNames: ['ip'],
  nameFormat: 'path-segment',
  validate: (found, object, before) => {
    checkCanonicalAddress(found, object.child('metadata').child('name'));
    const parent = object.child('spec').child('parentRef');
    if (before !== undefined) {
      found.immutable(parent, before.child('spec').child('parentRef'));
    } else checkParent(found, parent);
  },
  table: {
    columns: [NAME, column('ParentRef', 'What has the address.')],
    cells: object => [nameOf(object), parentText(object.child('spec').child('parentRef'))],
  },
};

function checkParent(found: Findings, parent: Place): void {
  if (!parent.present) {
    found.required(parent);
    return;
  }
  if (parent.child('group').text !== '') found.complaints(parent.child('group'), dnsSubdomain);
  for (const field of ['resource', 'name']) {
    if (parent.child(field).text === '') found.required(parent.child(field));
    else found.complaints(parent.child(field), pathSegment);
  }
  if (parent.child('namespace').text !== '') {
    found.complaints(parent.child('namespace'), pathSegment);
  }
}

function parentText(parent: Place): string {
  if (!parent.present) return '<none>';
  const [group, resource] = [parent.child('group').text, parent.child('resource').text];
  const namespace = parent.child('namespace').text;
  const parts = [
    (group === '' ? resource : `${resource}.${group}`).toLowerCase(),
    ...(namespace === '' ? [] : [namespace]),
    parent.child('name').text,
  ];
  return parts.join('/');
}
