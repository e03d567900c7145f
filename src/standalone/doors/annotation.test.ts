import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../kube/types/service.ts';
import { doorsWanted, formatDoors, parseDoors, usualPort } from './annotation.ts';

const service = (spec: Service['spec'], ...addresses: readonly string[]): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'gateway' },
  spec,
  status: { loadBalancer: { ingress: addresses.map(ip => ({ ip })) } },
});

test('an annotation is read as it was written', () => {
  const doors = new Map([
    [443, 8443],
    [80, 8080],
  ]);
  assert.equal(formatDoors(doors), '443=127.0.0.1:8443,80=127.0.0.1:8080');
  assert.deepEqual(parseDoors(formatDoors(doors)), doors);
});

test('what people write otherwise counts as nothing', () => {
  const text = '80=0.0.0.0:8080,443=127.0.0.1:99999,0=127.0.0.1:1,x,=,443=127.0.0.1:9443,';
  assert.deepEqual(parseDoors(text), new Map([[443, 9443]]));
  assert.deepEqual(parseDoors(undefined), new Map());
});

test('the usual ports of the web are 8080 and 8443, and a high port is itself', () => {
  assert.deepEqual([80, 443, 22, 3000].map(usualPort), [8080, 8443, 8022, 3000]);
});

test('a Service has doors once it has a load-balancer address, for its TCP ports', () => {
  const ports = [
    { port: 443 },
    { port: 53, protocol: 'UDP' as const },
    { port: 80, protocol: 'TCP' as const },
  ];
  assert.equal(doorsWanted(service({ type: 'LoadBalancer', ports })), undefined);
  assert.equal(doorsWanted(service({ type: 'ClusterIP', ports }, '172.30.200.1')), undefined);
  assert.deepEqual(doorsWanted(service({ type: 'LoadBalancer', ports }, 'fd00::1', '172.30.200.1')), {
    address: '172.30.200.1',
    ports: [443, 80],
  });
  assert.equal(doorsWanted(service({ type: 'LoadBalancer', ports }, 'fd00::1'))?.address, 'fd00::1');
});
