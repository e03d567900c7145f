import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/ip.ts';
import type { Provenance } from '../base/provenance.ts';
import { readWeighted, slotsOf } from './compile-weights.ts';
import type { Endpoint } from './model.ts';

const provenance: Provenance = {
  kind: 'TCPRoute',
  namespace: 'shop',
  name: 'db',
  uid: '',
  generation: 1,
  field: '',
};

function endpoint(host: number, weight?: number, ready = true): Endpoint {
  const address = parseAddress(`10.244.0.${host}`);
  assert.ok(address);
  return {
    address,
    port: 5432,
    ready,
    serving: ready,
    terminating: false,
    nodeName: 'node-1',
    pod: undefined,
    provenance,
    ...(weight === undefined ? {} : { weight }),
  };
}

function countsOf(endpoints: readonly Endpoint[]): readonly number[] {
  const slots = slotsOf(endpoints);
  return endpoints.map(one => slots.filter(slot => slot === one).length);
}

test('without weights each endpoint is drawn alike', () => {
  assert.deepEqual(countsOf([endpoint(1), endpoint(2), endpoint(3)]), [1, 1, 1]);
  assert.deepEqual(countsOf([endpoint(1, 7), endpoint(2, 7)]), [1, 1]);
});

test('weights are kept exactly where the table has room for their ratio', () => {
  assert.deepEqual(countsOf([endpoint(1, 90), endpoint(2, 10)]), [9, 1]);
  assert.deepEqual(countsOf([endpoint(1, 1000), endpoint(2, 24)]), [125, 3]);
  assert.deepEqual(countsOf([endpoint(1, 0), endpoint(2, 5)]), [0, 1]);
});

test('weights beyond the table are kept as near as it allows, and none is left out', () => {
  const [many = 0, few = 0, one] = countsOf([endpoint(1, 700_001), endpoint(2, 299_998), endpoint(3, 1)]);
  assert.ok(Math.abs(many / 1024 - 0.7) < 0.002 && Math.abs(few / 1024 - 0.3) < 0.002, `${many} ${few}`);
  assert.equal(one, 1);
});

test('a backend’s weight is shared by its endpoints, and one without any takes nothing', () => {
  const address = parseAddress('172.30.200.1');
  assert.ok(address);
  const { frontends } = readWeighted({
    key: 'TCPRoute/shop/db',
    age: '',
    route: provenance,
    frontends: [{ address, protocol: 'TCP', port: 5432, externalPolicy: 'Cluster' }],
    backends: [
      { weight: 9, endpoints: [endpoint(1), endpoint(2), endpoint(3)] },
      { weight: 1, endpoints: [endpoint(4), endpoint(5, undefined, false)] },
      { weight: 5, endpoints: [] },
    ],
  });
  assert.deepEqual(countsOf(frontends[0]?.endpoints ?? []), [3, 3, 3, 1]);
});
