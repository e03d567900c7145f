import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../kube/manual-clock.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';
import type { ServiceKernel } from './apply-nft.ts';
import { ServiceNetwork } from './service-network.ts';

const balanced: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    clusterIPs: ['10.96.0.1', 'fd00:10:96::1'],
    ports: [{ port: 80 }, { name: 'other', port: 81 }],
  },
};

const silent = {
  nft: () => Promise.resolve(),
  nftElements: () => Promise.resolve(),
  nftTable: () => Promise.resolve(undefined),
  forgetConnections: () => Promise.resolve(0),
} as unknown as ServiceKernel; // the rest of it is not asked

async function readyHere(...slices: readonly EndpointSlice[]): Promise<number> {
  const place = { node: 'node-1', addresses: [], nodePortAddresses: [], servicePrefixes: [] };
  const source = { keys: () => ['shop/web'], service: () => balanced, slices: () => slices };
  const network = new ServiceNetwork({ kernel: silent, place, clock: new ManualClock() }, source);
  await network.load();
  return network.readyHere('shop/web');
}

const sliceOf = (
  addressType: 'IPv4' | 'IPv6',
  ...endpoints: NonNullable<EndpointSlice['endpoints']>
): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace: 'shop', name: addressType },
  addressType,
  endpoints,
  ports: [{ port: 8080 }, { name: 'other', port: 8081 }],
});

const terminating = { ready: false, serving: true, terminating: true };

test('a health check counts pods that are ready here: none that terminates, though it still serves, and none elsewhere', async () => {
  const drains = { addresses: ['10.244.0.2'], nodeName: 'node-1', conditions: terminating };
  const elsewhere = { addresses: ['10.244.1.2'], nodeName: 'node-2' };
  const here = { addresses: ['10.244.0.3'], nodeName: 'node-1', conditions: { ready: true } };
  assert.equal(await readyHere(sliceOf('IPv4', drains, elsewhere)), 0);
  assert.equal(
    await readyHere(sliceOf('IPv4', drains, elsewhere, here)),
    1,
    'once, however many ports it has',
  );
});

test('a health check counts a pod of two families once', async () => {
  const [four, six] = ['10.244.0.3', 'fd00:10:244::3'].map(address => ({
    addresses: [address],
    nodeName: 'node-1',
  }));
  assert.ok(four && six);
  assert.equal(await readyHere(sliceOf('IPv4', four), sliceOf('IPv6', six)), 1);
  assert.equal(await readyHere(sliceOf('IPv6', six)), 1);
});
