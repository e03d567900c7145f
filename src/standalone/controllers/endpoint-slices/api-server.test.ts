import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../../kube/types/service.ts';
import { apiServerSlices } from './api-server.ts';

const place = { addresses: ['172.30.255.254', 'fd00:172:30::ffff'], port: 6443 };

const service = (ipFamilies?: readonly ('IPv4' | 'IPv6')[]): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default' },
  spec: ipFamilies === undefined ? {} : { ipFamilies },
});

const brief = (asked: Service, addresses = place.addresses) =>
  apiServerSlices(asked, { ...place, addresses }).map(({ metadata, addressType, endpoints, ports }) => [
    metadata.name,
    addressType,
    endpoints?.flatMap(endpoint => endpoint.addresses),
    ports?.[0]?.port,
  ]);

test('the Service kubernetes leads to the API server in the families that it has', () => {
  assert.deepEqual(brief(service(['IPv4'])), [['kubernetes', 'IPv4', ['172.30.255.254'], 6443]]);
  assert.deepEqual(brief(service(['IPv6', 'IPv4'])), [
    ['kubernetes', 'IPv6', ['fd00:172:30::ffff'], 6443],
    ['kubernetes-ipv4', 'IPv4', ['172.30.255.254'], 6443],
  ]);
  assert.deepEqual(brief(service()), brief(service(['IPv4'])));
});

test('a family in which the API server has no address has no slice', () => {
  assert.deepEqual(brief(service(['IPv4', 'IPv6']), ['172.30.255.254']), [
    ['kubernetes', 'IPv4', ['172.30.255.254'], 6443],
  ]);
});
