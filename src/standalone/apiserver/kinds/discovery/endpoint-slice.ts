import { fill, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, firstThree, nameOf } from '../print/columns.ts';
import { dnsLabel, dnsSubdomain, fullyQualifiedDomain, labelValue, qualifiedName } from '../text/names.ts';
import { checkCanonicalAddress, checkNotSpecial } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MOST_ENDPOINTS = 1000;
const MOST_ADDRESSES = 100;
const MOST_PORTS = 20_000;
const MOST_HINTS = 8;

export const ENDPOINT_SLICE: Definition = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  schema: 'io.k8s.api.discovery.v1.EndpointSlice',
  namespaced: true,
  defaults: object => withinEach(object, 'ports', port => fill(port, { name: '', protocol: 'TCP' })),
  validate: (found, object, before) => {
    const type = object.child('addressType');
    found.oneOf(type, ADDRESS_TYPES);
    checkEndpoints(found, object.child('endpoints'), type.text);
    checkPorts(found, object.child('ports'));
    if (before !== undefined) found.immutable(type, before.child('addressType'));
  },
  strategy: { countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('AddressType', 'Family of the addresses.'),
      column('Ports', 'Ports of every endpoint.'),
      column('Endpoints', 'Addresses of the endpoints.'),
      AGE,
    ],
    cells: (object, now) => {
      const addresses = object
        .child('endpoints')
        .items()
        .flatMap(endpoint => endpoint.child('addresses').texts);
      return [
        nameOf(object),
        object.child('addressType').text,
        firstThree(object.child('ports').items().map(portText), '<unset>'),
        firstThree(addresses, '<unset>'),
        ageOf(object, now),
      ];
    },
  },
};

/** The number, else the name, else every port. */
function portText(port: Place): string {
  if (port.child('port').present) return String(port.child('port').number);
  return port.child('name').present ? port.child('name').text : '*';
}

function checkEndpoints(found: Findings, endpoints: Place, type: string): void {
  if (endpoints.list.length > MOST_ENDPOINTS) {
    found.tooMany(endpoints, MOST_ENDPOINTS);
    return;
  }
  for (const endpoint of endpoints.items()) {
    const addresses = endpoint.child('addresses');
    if (addresses.list.length === 0) found.required(addresses, 'must contain at least 1 address');
    else if (addresses.list.length > MOST_ADDRESSES) found.tooMany(addresses, MOST_ADDRESSES);
    for (const address of addresses.items()) checkEndpointAddress(found, address, type);
    if (endpoint.child('nodeName').present) found.complaints(endpoint.child('nodeName'), dnsSubdomain);
    checkTopology(found, endpoint.child('deprecatedTopology'));
    if (endpoint.child('hostname').present) found.complaints(endpoint.child('hostname'), dnsLabel);
    checkHints(found, endpoint.child('hints').child('forZones'));
    checkHints(found, endpoint.child('hints').child('forNodes'));
  }
}

function checkEndpointAddress(found: Findings, place: Place, type: string): void {
  if (type === 'FQDN') {
    if (place.text === '') found.required(place);
    else found.complaints(place, fullyQualifiedDomain);
    return;
  }
  if (type !== 'IPv4' && type !== 'IPv6') return;
  const address = checkCanonicalAddress(found, place);
  if (address === undefined) return;
  if (`IPv${address.family}` !== type) {
    // Upstream names the list, and shows the one that is wrong in it.
    const field = place.path.replace(/\[\d+\]$/, '');
    found.add({ type: 'Invalid', field, value: place.text, detail: `must be an ${type} address` });
  }
  checkNotSpecial(found, place);
}

function checkTopology(found: Findings, topology: Place): void {
  for (const [key, value] of topology.entries()) {
    for (const complaint of qualifiedName(key)) found.invalid(topology, complaint, key);
    for (const complaint of labelValue(value.text)) found.invalid(topology, complaint, value.text);
  }
}

function checkHints(found: Findings, hints: Place): void {
  if (hints.list.length > MOST_HINTS) {
    found.tooMany(hints, MOST_HINTS);
    return;
  }
  const seen = new Set<string>();
  for (const hint of hints.items()) {
    const name = hint.child('name');
    found.complaints(name, text => (text === '' ? ['must be non-empty'] : labelValue(text)));
    if (seen.has(name.text)) found.duplicate(name);
    seen.add(name.text);
  }
}

function checkPorts(found: Findings, ports: Place): void {
  if (ports.list.length > MOST_PORTS) {
    found.tooMany(ports, MOST_PORTS);
    return;
  }
  const names = new Set<string>();
  for (const port of ports.items()) {
    const name = port.child('name');
    if (name.text !== '') found.complaints(name, dnsLabel);
    if (names.has(name.text)) found.duplicate(name, name.text);
    names.add(name.text);
    found.oneOf(port.child('protocol'), PROTOCOLS);
    if (port.child('appProtocol').present) found.complaints(port.child('appProtocol'), qualifiedName);
    if (port.child('port').present && port.child('port').number !== 0) found.port(port.child('port'));
  }
}
