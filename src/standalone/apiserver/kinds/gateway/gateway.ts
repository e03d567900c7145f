import { parseAddress } from '../../../../base/ip.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { conditionText } from './conditions.ts';
import { checkListeners } from './listeners.ts';
import { WAITING, pending } from './pending.ts';

const HOSTNAME = String.raw`^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`;
const KEY =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const LONGEST_PREFIX = 253;
const LONGEST_KEY = 512;

export const GATEWAY: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'Gateway',
  plural: 'gateways',
  schema: 'io.k8s.networking.gateway.v1.Gateway',
  namespaced: true,
  shortNames: ['gtw'],
  categories: ['gateway-api'],
  subresources: [statusOf('Gateway')],
  validate: (found, object) => {
    const spec = object.child('spec');
    checkAddresses(found, spec.child('addresses'));
    checkKeys(found, spec.child('infrastructure').child('annotations'), 'Annotation');
    checkKeys(found, spec.child('infrastructure').child('labels'), 'Label');
    checkListeners(found, spec.child('listeners'));
    checkStatusAddresses(found, object.child('status').child('addresses'));
  },
  strategy: {
    statusFields: ['status'],
    countsGenerations: true,
    allowsUnconditionalUpdate: false,
    onCreate: pending(WAITING.acceptedAndProgrammed),
  },
  table: {
    columns: [
      NAME,
      column('Class', 'Name of its class.'),
      column('Address', 'First address that it is reached at.'),
      column('Programmed', 'Whether the data path is in place.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('gatewayClassName').text,
      object.child('status').child('addresses').items()[0]?.child('value').text ?? null,
      conditionText(object, 'Programmed'),
      ageOf(object, now),
    ],
  },
};

function checkAddresses(found: Findings, addresses: Place): void {
  for (const type of ['IPAddress', 'Hostname']) {
    const values = addresses
      .items()
      .filter(address => address.child('type').text === type && address.child('value').present)
      .map(address => address.child('value').text);
    if (new Set(values).size < values.length)
      found.invalid(addresses, `${type} values must be unique`, 'array');
  }
  for (const address of addresses.items()) {
    const [type, value] = [address.child('type').text, address.child('value')];
    if (type === 'IPAddress' && value.present && parseAddress(value.text) === undefined) {
      const path = JSON.stringify(address.path);
      found.invalid(address, `${path} must validate one and only one schema (oneOf). Found none valid`, '');
    }
    if (type === 'Hostname' && value.present && !new RegExp(HOSTNAME).test(value.text)) {
      found.invalid(
        address,
        `Hostname value must be empty or contain only valid characters (matching ${HOSTNAME})`,
        'object',
      );
    }
  }
}

function checkStatusAddresses(found: Findings, addresses: Place): void {
  for (const address of addresses.items()) {
    if (
      address.child('type').text === 'Hostname' &&
      !new RegExp(HOSTNAME).test(address.child('value').text)
    ) {
      found.invalid(
        address,
        `Hostname value must only contain valid characters (matching ${HOSTNAME})`,
        'object',
      );
    }
  }
}

function checkKeys(found: Findings, map: Place, what: 'Annotation' | 'Label'): void {
  const keys = Object.keys(map.fields);
  // The longest valid key has 253 + 1 + 63 characters.
  if (!keys.every(key => key.length <= LONGEST_KEY && KEY.test(key))) {
    found.invalid(
      map,
      `${what} keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.`,
      'object',
    );
  }
  if (!keys.every(key => (key.split('/')[0]?.length ?? 0) < LONGEST_PREFIX)) {
    found.invalid(
      map,
      `If specified, the ${what.toLowerCase()} key's prefix must be a DNS subdomain not longer than 253 characters in total.`,
      'object',
    );
  }
}
