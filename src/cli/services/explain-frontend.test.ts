import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Node } from '../../kube/types/node.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { findAsker } from './client.ts';
import { explainFrontend } from './explain-frontend.ts';
import { modelOf } from './read-objects.ts';
import type { ServiceObjects } from './read-objects.ts';

const node = (name: string, zone: string, address: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  spec: {},
  status: { addresses: [{ type: 'InternalIP', address }] },
});

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop', uid: 'u' },
  spec: {
    type: 'NodePort',
    clusterIPs: ['10.96.0.10'],
    externalTrafficPolicy: 'Local',
    ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
  },
};

const slice: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.244.1.2'], nodeName: 'node-1' },
    { addresses: ['10.244.2.2'], nodeName: 'node-2' },
    { addresses: ['10.244.2.3'], nodeName: 'node-2', conditions: { ready: false, terminating: true } },
    { addresses: ['10.244.2.4'], nodeName: 'node-2', conditions: { ready: false } },
  ],
};

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client', namespace: 'shop' },
  spec: { nodeName: 'node-1', containers: [] },
  status: { podIPs: [{ ip: '10.244.1.9' }] },
};

const objects: ServiceObjects = {
  services: [service],
  slices: [slice],
  nodes: [node('node-1', 'a', '192.168.0.1'), node('node-2', 'b', '192.168.0.2')],
  pods: [pod],
};

function explain(from: string, address: string, entry?: string) {
  const asker = findAsker(objects, from, entry);
  const model = modelOf(objects, asker.node);
  const frontends = [...model.frontends.values()].map(frontend => explainFrontend(model, frontend, asker));
  const found = frontends.find(frontend => frontend.address === address);
  assert.ok(found, address);
  return found;
}

test('a client is told each endpoint with its likelihood, and of the others why not', () => {
  const { endpoints, leftOut, masquerade, verdict } = explain('shop/client', '10.96.0.10');
  assert.equal(verdict, 'forward');
  assert.equal(masquerade, false);
  assert.deepEqual(
    endpoints.map(({ address, probability }) => [address, probability]),
    [
      ['10.244.1.2', 0.5],
      ['10.244.2.2', 0.5],
    ],
  );
  assert.deepEqual(
    leftOut.map(({ why }) => why),
    ['terminating, while others are ready', 'not ready'],
  );
});

test('a client outside is told what the node serves by which it comes in', () => {
  const { endpoints, leftOut } = explain('world', '192.168.0.1', 'node-1');
  assert.deepEqual(
    endpoints.map(({ address }) => address),
    ['10.244.1.2'],
  );
  assert.match(leftOut[0]?.why ?? '', /^on node-2, and the traffic policy is Local$/);
});

test('a client that is not there is refused with those that are', () => {
  assert.throws(() => findAsker(objects, 'shop/other', undefined), { code: 'services/no-such-client' });
  assert.throws(() => findAsker(objects, 'node/other', undefined), /no node other/);
});
