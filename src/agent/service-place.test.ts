import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, formatPrefix, parsePrefix } from '../base/ip.ts';
import type { Node } from '../kube/types/node.ts';
import type { ServiceCIDR } from '../kube/types/networking.ts';
import { servicePlaceOf, servicePrefixesOf } from './service-place.ts';

const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name },
  spec: { cidrs },
});

test('prefixes of Services are those that were told and those of ServiceCIDRs, each once and none inside another', () => {
  const told = ['10.96.0.0/16', 'fd00:10:96::/112'].flatMap(text => parsePrefix(text) ?? []);
  const found = servicePrefixesOf(told, [
    cidr('kubernetes', '10.96.0.0/16', 'fd00:10:96::/112'),
    cidr('more', '10.97.0.0/20', '10.96.1.0/24', 'nonsense'),
    { ...cidr('empty'), spec: {} },
  ]);
  assert.deepEqual(found.map(formatPrefix), ['10.96.0.0/16', 'fd00:10:96::/112', '10.97.0.0/20']);
});

test('node ports are at the first address of each family, or at those in the prefixes that are told; never at loopback', () => {
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'west' } },
    spec: {},
    status: {
      addresses: [
        { type: 'Hostname', address: 'node-1' },
        { type: 'InternalIP', address: '172.30.0.1' },
        { type: 'InternalIP', address: '172.31.0.1' },
        { type: 'InternalIP', address: 'fd00:172:30::1' },
      ],
    },
  };
  const own = [
    { address: '127.0.0.1/8', scope: 'host' },
    { address: '172.30.0.1/16', scope: 'global' },
    { address: '172.31.0.1/16', scope: 'global' },
    { address: 'fe80::1/64', scope: 'link' },
    { address: 'fd00:172:30::1/64', scope: 'global' },
    { address: '::1/128', scope: 'host' },
  ] as const;
  const portsAt = (...texts: string[]) => {
    const prefixes = texts.length === 0 ? undefined : texts.flatMap(text => parsePrefix(text) ?? []);
    return servicePlaceOf('node-1', node, prefixes, own, []).nodePortAddresses.map(formatAddress);
  };
  assert.deepEqual(portsAt(), ['172.30.0.1', 'fd00:172:30::1']);
  assert.deepEqual(portsAt('172.31.0.0/16'), ['172.31.0.1']);
  assert.deepEqual(portsAt('0.0.0.0/0', '::/0'), ['172.30.0.1', '172.31.0.1', 'fd00:172:30::1']);
  assert.deepEqual(portsAt('127.0.0.0/8', 'fe80::/10'), []);
  assert.equal(servicePlaceOf('node-1', node, undefined, own, []).zone, 'west');
});
