import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../kube/types/core.ts';
import type { EndpointSubset } from '../../../kube/types/endpoints.ts';
import type { Service } from '../../../kube/types/service.ts';
import { MOST_ADDRESSES, desiredSubsets, truncated } from './desired.ts';

const http = { name: 'http', port: 80, targetPort: 8080 } as const;

const service = (spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP: '10.96.0.1', ipFamilies: ['IPv4', 'IPv6'], ports: [http], ...spec },
});

interface PodChange {
  readonly ready?: boolean;
  readonly going?: boolean;
  readonly phase?: 'Running' | 'Succeeded';
  readonly ips?: readonly string[];
  readonly spec?: Partial<Pod['spec']>;
}

const pod = (name: string, change: PodChange = {}): Pod => {
  const { going = false, phase = 'Running', ready = true, spec = {} } = change;
  const { ips = [`10.244.0.${name.length}`, `fd00::${name.length}`] } = change;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      ...(going ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'echo' }], ...spec },
    status: {
      phase,
      podIPs: ips.map(ip => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
};

const ips = (subsets: readonly EndpointSubset[]) =>
  subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
    ready: addresses.map(({ ip }) => ip),
    unready: notReadyAddresses.map(({ ip }) => ip),
    ports: ports.map(({ port }) => port),
  }));

test('Endpoints tell a Service’s pods in its first family, ready ones apart', () => {
  assert.deepEqual(desiredSubsets(service(), [pod('bb'), pod('a'), pod('ccc', { ready: false })]), [
    {
      addresses: ['a', 'bb'].map(name => ({
        ip: `10.244.0.${name.length}`,
        nodeName: 'node-1',
        targetRef: { kind: 'Pod', namespace: 'shop', name, uid: `uid-${name}` },
      })),
      notReadyAddresses: [
        {
          ip: '10.244.0.3',
          nodeName: 'node-1',
          targetRef: { kind: 'Pod', namespace: 'shop', name: 'ccc', uid: 'uid-ccc' },
        },
      ],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ]);
  assert.deepEqual(ips(desiredSubsets(service({ ipFamilies: ['IPv6'] }), [pod('a')])), [
    { ready: ['fd00::1'], unready: [], ports: [8080] },
  ]);
});

test('pods that have ended, terminate, or have no address are none; published ones are ready, also while they terminate', () => {
  const all = [
    pod('a', { phase: 'Succeeded' }),
    pod('bb', { going: true }),
    pod('ccc', { ips: ['fd00::3'] }),
  ];
  assert.deepEqual(desiredSubsets(service(), all), []);
  const published = desiredSubsets(service({ publishNotReadyAddresses: true }), [
    pod('bb', { going: true, ready: false }),
    pod('a', { ready: false }),
  ]);
  assert.deepEqual(ips(published), [{ ready: ['10.244.0.1', '10.244.0.2'], unready: [], ports: [8080] }]);
});

test('ports that lead to the same pods stand together, others apart', () => {
  const named = { name: 'admin', port: 81, targetPort: 'admin' } as const;
  const extra = { name: 'extra', port: 82 } as const;
  const containers = [
    { name: 'main', image: 'echo', ports: [{ name: 'admin', containerPort: 9000 }] },
  ] as const;
  const found = desiredSubsets(service({ ports: [http, named, extra] }), [
    pod('a', { spec: { containers } }),
    pod('bb'),
  ]);
  assert.deepEqual(ips(found), [
    { ready: ['10.244.0.1'], unready: [], ports: [9000] },
    { ready: ['10.244.0.1', '10.244.0.2'], unready: [], ports: [82, 8080] },
  ]);
});

test('pods that share the address of their node are told in one order, however they are listed', () => {
  const [one, two] = ['one', 'two'].map(name => pod(name, { ips: ['172.30.0.1'] }));
  assert.ok(one && two);
  assert.deepEqual(desiredSubsets(service(), [one, two]), desiredSubsets(service(), [two, one]));
});

test('a headless Service without ports has addresses alone, and host names of its subdomain', () => {
  const found = desiredSubsets(service({ clusterIP: 'None', ports: [] }), [
    pod('a', { spec: { hostname: 'db-0', subdomain: 'web' } }),
    pod('bb', { spec: { hostname: 'db-1', subdomain: 'other' } }),
  ]);
  assert.deepEqual(
    found[0]?.addresses?.map(({ hostname }) => hostname),
    ['db-0', undefined],
  );
  assert.equal(found[0].ports, undefined);
  assert.deepEqual(desiredSubsets(service({ ports: [] }), [pod('a')]), []);
});

test('more than 1,000 addresses are cut: those that are not ready first, each subset by its share', () => {
  const addresses = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ip: `10.0.0.${index}` }));
  const sizes = (subsets: readonly EndpointSubset[]) =>
    truncated(subsets).map(one => [one.addresses?.length ?? 0, one.notReadyAddresses?.length ?? 0]);
  const exact = [{ addresses: addresses(600), notReadyAddresses: addresses(400) }];
  assert.equal(truncated(exact), exact);
  assert.deepEqual(sizes([{ addresses: addresses(600), notReadyAddresses: addresses(500) }]), [[600, 400]]);
  assert.deepEqual(
    sizes([
      { addresses: addresses(900), notReadyAddresses: addresses(5) },
      { addresses: addresses(300) },
      { notReadyAddresses: addresses(9) },
    ]),
    [
      [750, 0],
      [250, 0],
    ],
  );
  assert.equal(MOST_ADDRESSES, 1000);
});
