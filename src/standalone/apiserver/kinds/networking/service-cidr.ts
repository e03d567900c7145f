import { parseInterface } from '../../../../base/ip.ts';
import { fill } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { checkPrefix } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const MOST = 2;

/** A range that Services get their addresses from (KEP-1880). */
export const SERVICE_CIDR: Definition = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  schema: 'io.k8s.api.networking.v1.ServiceCIDR',
  namespaced: false,
  subresources: [statusOf('ServiceCIDR')],
  defaults: object => fill(object, { spec: {} }),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    const prefixes = object.child('spec').child('cidrs');
    if (before === undefined) checkPrefixes(found, prefixes);
    else checkChange(found, prefixes, before.child('spec').child('cidrs'));
  },
  strategy: { statusFields: ['status'] },
  table: {
    columns: [NAME, column('CIDRs', 'The range, one prefix a family.'), AGE],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('cidrs').texts.join(','),
      ageOf(object, now),
    ],
  },
};

function checkPrefixes(found: Findings, prefixes: Place): void {
  if (prefixes.list.length === 0) {
    found.required(prefixes, 'at least one CIDR required');
    return;
  }
  if (prefixes.list.length > MOST) {
    found.invalid(prefixes, 'may only hold up to 2 values', { CIDRs: prefixes.list });
    return;
  }
  for (const prefix of prefixes.items()) checkPrefix(found, prefix);
  const [first, second] = prefixes.texts.map(text => parseInterface(text)?.address.family);
  if (first !== undefined && first === second) {
    found.invalid(
      prefixes,
      'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    );
  }
}

/** A range stays what it is; a second family may be added. */
function checkChange(found: Findings, prefixes: Place, before: Place): void {
  const detail = 'field is immutable';
  const grows = before.list.length === 1 && prefixes.list.length === MOST;
  if (before.list.length !== prefixes.list.length && !grows) {
    found.invalid(prefixes, detail);
    return;
  }
  before.texts.forEach((text, index) => {
    if (prefixes.item(index).text !== text) found.invalid(prefixes.item(index), detail);
  });
  if (grows) checkPrefixes(found, prefixes);
}
