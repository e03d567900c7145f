import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../../base/ip.ts';
import type { StreamListener } from '../../gateway/compile-streams.ts';
import { service, slice } from '../../gateway/testing/objects.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Service } from '../../kube/types/service.ts';
import { weightedStream } from './weighted-stream.ts';

const provenance = {
  kind: 'TCPRoute',
  namespace: 'shop',
  name: 'db',
  uid: '',
  generation: 1,
  field: 'spec.rules[0]',
};
const listener = (backends: StreamListener['backends']): StreamListener => ({
  key: 'shop/edge/db',
  protocol: 'TCP',
  port: 5432,
  provenance,
  backends,
});
const edge: Service = {
  ...service('shop/edge-fairlead', [{ port: 9 }, { port: 5432 }], {
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.9', 'fd00::9'],
  }),
  status: {
    loadBalancer: {
      ingress: [{ ip: '172.30.200.1' }, { ip: 'fd00::c8:1' }, { ip: '192.0.2.9', ipMode: 'Proxy' }],
    },
  },
};
const v6 = { addressType: 'IPv6' } as const;

function stream(backends: StreamListener['backends'], family: 4 | 6, ...slices: readonly EndpointSlice[]) {
  const found = weightedStream(listener(backends), edge, family, {
    service: key => (key === 'shop/gone' ? undefined : service(key)),
    slices: key =>
      slices.filter(({ metadata }) => `shop/${metadata.labels?.['kubernetes.io/service-name']}` === key),
  });
  assert.ok(found);
  return {
    frontends: found.frontends.map(
      ({ address, externalPolicy, port }) => `${formatAddress(address)} ${port} ${externalPolicy}`,
    ),
    backends: found.backends.map(({ endpoints, weight }) => [
      weight,
      ...endpoints.map(({ address, port }) => `${formatAddress(address)} ${port}`),
    ]),
  };
}

const one = { weight: 3, service: 'shop/one', port: 80 };
const two = { weight: 1, service: 'shop/two', port: 80 };

test('the addresses of the Gateway’s Service lead to the endpoints of the backends, family by family', () => {
  const slices = [
    slice('shop/one', ['10.0.0.1', '10.0.0.2']),
    slice('shop/one', ['fd00::1'], v6),
    slice('shop/two', ['10.0.0.3']),
  ];
  assert.deepEqual(stream([one, two], 4, ...slices), {
    frontends: ['10.96.0.9 5432 Local', '172.30.200.1 5432 Cluster'],
    backends: [
      [3, '10.0.0.1 3000', '10.0.0.2 3000'],
      [1, '10.0.0.3 3000'],
    ],
  });
  // Port 9 is the Service's own: the share of a backend without endpoints goes to the next one, where nodes refuse.
  assert.deepEqual(stream([one, two], 6, ...slices).backends, [
    [3, 'fd00::1 3000'],
    [1, 'fd00::9 10'],
  ]);
});

test('what leads nowhere has its share refused, and where nothing leads anywhere everything is', () => {
  const slices = [slice('shop/one', ['10.0.0.1'])];
  const nowhere = { weight: 2, port: 0 };
  assert.deepEqual(stream([one, nowhere], 4, ...slices).backends[1], [2, '10.96.0.9 10']);
  assert.deepEqual(stream([two, nowhere], 4, ...slices).backends, []);
});

test('an endpoint that is about to end serves while there is no other', () => {
  const terminating = { ready: false, serving: true, terminating: true };
  const draining = slice('shop/one', [], {
    endpoints: [{ addresses: ['10.0.0.1'], conditions: terminating }],
  });
  assert.deepEqual(stream([one], 4, draining).backends, [[3, '10.0.0.1 3000']]);
});

test('a Gateway without an address of the family asks for nothing', () => {
  const single = { ...edge, spec: { ...edge.spec, clusterIPs: ['10.96.0.9'] } };
  const sources = { service: () => undefined, slices: () => [] };
  assert.equal(weightedStream(listener([one]), single, 6, sources), undefined);
});
