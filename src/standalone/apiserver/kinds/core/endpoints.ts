import { fill, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, firstThree, nameOf } from '../print/columns.ts';
import { dnsLabel, dnsSubdomain } from '../text/names.ts';
import { checkAddress, checkNotSpecial } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

export const ENDPOINTS: Definition = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  schema: 'io.k8s.api.core.v1.Endpoints',
  namespaced: true,
  shortNames: ['ep'],
  defaults: object =>
    withinEach(object, 'subsets', subset =>
      withinEach(subset, 'ports', port => fill(port, { protocol: 'TCP' })),
    ),
  validate: (found, object) => {
    for (const subset of object.child('subsets').items()) checkSubset(found, subset);
  },
  table: {
    columns: [NAME, column('Endpoints', 'Addresses and ports that are ready.'), AGE],
    cells: (object, now) => [nameOf(object), firstThree(readyOf(object), '<none>'), ageOf(object, now)],
  },
};

function readyOf(object: Place): readonly string[] {
  return object
    .child('subsets')
    .items()
    .flatMap(subset => {
      const addresses = subset
        .child('addresses')
        .items()
        .map(address => address.child('ip').text);
      const ports = subset
        .child('ports')
        .items()
        .map(port => port.child('port').number);
      if (ports.length === 0) return addresses;
      const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address);
      return ports.flatMap(port => addresses.map(address => `${bracketed(address)}:${port}`));
    });
}

function checkSubset(found: Findings, subset: Place): void {
  const addresses = [...subset.child('addresses').items(), ...subset.child('notReadyAddresses').items()];
  if (addresses.length === 0) found.required(subset, 'must specify `addresses` or `notReadyAddresses`');
  for (const address of addresses) {
    if (checkAddress(found, address.child('ip')) !== undefined) checkNotSpecial(found, address.child('ip'));
    if (address.child('hostname').text !== '') found.complaints(address.child('hostname'), dnsLabel);
    if (address.child('nodeName').present) found.complaints(address.child('nodeName'), dnsSubdomain);
  }
  const ports = subset.child('ports').items();
  for (const port of ports) {
    const name = port.child('name');
    if (name.text !== '') found.complaints(name, dnsLabel);
    else if (ports.length > 1) found.required(name);
    found.port(port.child('port'));
    found.oneOf(port.child('protocol'), PROTOCOLS);
  }
}
