import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPrefix, parsePrefix } from '../base/ip.ts';
import type { ServiceCIDR } from '../kube/types/networking.ts';
import { servicePrefixesOf } from './service-place.ts';

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
