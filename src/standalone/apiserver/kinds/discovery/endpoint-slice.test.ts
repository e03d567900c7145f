import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const slices = ofKind('discovery.k8s.io', 'EndpointSlice');

const slice = (more: Fields): ApiObject =>
  slices.withDefaults({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1' },
    addressType: 'IPv4',
    endpoints: [],
    ...more,
  });
const wrong = (more: Fields): readonly string[] => messagesOf(slices.validate(slice(more), undefined));
const wrongAddress = (address: string, addressType = 'IPv4'): readonly string[] =>
  wrong({ addressType, endpoints: [{ addresses: [address] }] });

test('a port has a protocol and, if only an empty one, a name', () => {
  assert.deepEqual(slice({ ports: [{ port: 80 }] })['ports'], [{ port: 80, name: '', protocol: 'TCP' }]);
});

test('broken slices are refused in the words of a real server', () => {
  const at = 'endpoints[0].addresses[0]';
  assert.deepEqual(wrong({ addressType: undefined }), ['addressType: Required ']);
  assert.deepEqual(wrong({ addressType: 'IP' }), [
    'addressType: NotSupported "IP" supported values: "FQDN", "IPv4", "IPv6"',
  ]);
  assert.deepEqual(wrong({ endpoints: [{ addresses: [] }] }), [
    'endpoints[0].addresses: Required must contain at least 1 address',
  ]);
  assert.deepEqual(wrongAddress('10.0.0.1'), []);
  assert.deepEqual(wrongAddress('fd00::1'), [
    'endpoints[0].addresses: Invalid "fd00::1" must be an IPv4 address',
  ]);
  assert.deepEqual(wrongAddress('FD00::1', 'IPv6'), [
    `${at}: Invalid "FD00::1" must be in canonical form ("fd00::1")`,
  ]);
  assert.deepEqual(wrongAddress('010.0.0.1'), [`${at}: Invalid "010.0.0.1" must not have leading 0s`]);
  assert.deepEqual(wrongAddress('169.254.1.1'), [
    `${at}: Invalid "169.254.1.1" may not be in the link-local range (169.254.0.0/16, fe80::/10)`,
  ]);
  assert.deepEqual(wrong({ ports: [{ port: 80 }, { port: 81 }] }), ['ports[1].name: Duplicate "" ']);
  assert.deepEqual(messagesOf(slices.validate(slice({ addressType: 'IPv6' }), slice({}))), [
    'addressType: Invalid "IPv6" field is immutable',
  ]);
});

test('slices print family, ports and the first three addresses', () => {
  const endpoints = [1, 2, 3, 4, 5].map(host => ({ addresses: [`10.0.0.${host}`] }));
  const printed = slices.cells(slice({ endpoints, ports: [{ name: 'http', port: 80 }] }), 0);
  assert.deepEqual(printed, ['web-1', 'IPv4', '80', '10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...', '<unknown>']);
  assert.deepEqual(slices.cells(slice({}), 0).slice(2, 4), ['<unset>', '<unset>']);
});
