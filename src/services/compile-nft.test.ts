import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../kube/types/service.ts';
import { readService } from './compile-model.ts';
import { compilePart } from './compile-nft.ts';

test('what a load balancer drops for want of endpoints here is counted once, whoever may come', () => {
  for (const ranges of [undefined, ['0.0.0.0/0'], ['192.0.2.0/24']]) {
    const service: Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'web' },
      spec: {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        clusterIPs: ['10.96.0.10'],
        ports: [{ port: 80 }],
        ...(ranges === undefined ? {} : { loadBalancerSourceRanges: ranges }),
      },
      status: { loadBalancer: { ingress: [{ ip: '172.30.200.1' }] } },
    };
    const elsewhere = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.2.1'], nodeName: 'node-2' }],
      ports: [{ port: 8080 }],
    } as const;
    const part = readService(service, [elsewhere]);
    assert.ok(part);
    const elements = [...compilePart(part, { node: 'node-1' }).values()].flatMap(group => group.elements);
    const dropped = elements.filter(({ set }) => set === 'dropped4').map(({ key }) => key);
    assert.deepEqual(dropped, ['172.30.200.1 . tcp . 80'], String(ranges));
  }
});
