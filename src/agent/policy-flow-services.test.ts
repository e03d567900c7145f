import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEvent } from '../base/flow-event.ts';
import type { Service } from '../kube/types/service.ts';
import { buildPolicyModel } from '../policy/index.ts';
import { AskedAddresses, withAsked } from './policy-flow-asked.ts';
import { ServiceNames } from './policy-flow-services.ts';

const model = buildPolicyModel({
  pods: [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'api', uid: 'api', labels: { app: 'api' } },
      spec: {
        nodeName: 'node-1',
        containers: [{ name: 'main', image: 'x', ports: [{ name: 'http', containerPort: 8080 }] }],
      },
      status: { podIPs: [{ ip: '10.244.0.2' }] },
    },
  ],
  namespaces: [],
  policies: [],
  nodes: [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'node-1' },
      status: { addresses: [{ type: 'InternalIP', address: '172.30.0.1' }] },
    },
  ],
  nodeLocalServices: [],
});
const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec,
});
const services = [
  service('api', {
    clusterIPs: ['10.96.0.7'],
    selector: { app: 'api' },
    ports: [{ port: 80, targetPort: 'http', nodePort: 30_080 }],
  }),
  service('admin', { clusterIPs: ['None'], selector: { app: 'api' }, ports: [{ port: 9090 }] }),
  service('other', { clusterIPs: ['10.96.0.8'], selector: { app: 'db' }, ports: [{ port: 8080 }] }),
];
const namesOf = (port: number, asked?: { readonly address: string; readonly port: number }) => {
  const names = new ServiceNames({ now: () => 10_000_000 } as ConstructorParameters<typeof ServiceNames>[0]);
  names.follow(() => services);
  const event: Pick<FlowEvent, 'destination' | 'protocol' | 'service'> = {
    destination: { address: '10.244.0.2', port },
    protocol: 'TCP',
    ...(asked === undefined ? {} : { service: asked }),
  };
  const joined = names.join(event, model);
  return [joined.service?.name, joined.destination.services];
};

test('an event names the Service that was asked for, and those that the destination stands behind', () => {
  assert.deepEqual(namesOf(8080), [undefined, ['shop/api']]);
  assert.deepEqual(namesOf(9090), [undefined, ['shop/admin']]);
  assert.deepEqual(namesOf(81), [undefined, undefined]);
  assert.deepEqual(namesOf(8080, { address: '10.96.0.7', port: 80 }), ['shop/api', ['shop/api']]);
  assert.deepEqual(namesOf(8080, { address: '172.30.0.1', port: 30_080 }), ['shop/api', ['shop/api']]);
  assert.deepEqual(namesOf(8080, { address: '172.30.0.9', port: 30_080 }), [undefined, ['shop/api']]);
});

const head = {
  family: 4,
  source: '10.244.0.1',
  destination: '10.244.0.2',
  protocol: 6,
  sourcePort: 40_000,
  port: 8080,
} as const;

test('a drop is told with what its second report says, in order, and also where there is none', () => {
  const told: unknown[] = [];
  const asked = new AskedAddresses(({ original, sourcePort }) =>
    told.push([sourcePort, original?.destination, original?.destinationPort]),
  );
  const packet = (prefix: string, sourcePort: number, destination = '10.244.0.2', port = 8080) =>
    asked.take({ prefix, head: { ...head, sourcePort, destination, port }, sequence: 0 });
  packet('egress-1', 1);
  packet('egress-1', 2);
  packet('asked', 1, '10.96.0.7', 80);
  packet('asked', 3, '10.96.0.9', 80); // its drop was lost
  assert.deepEqual(told, []);
  packet('allowed', 4);
  asked.flush();
  assert.deepEqual(told, [
    [4, undefined, undefined],
    [1, '10.96.0.7', 80],
    [2, undefined, undefined],
  ]);
});

test('a drop that was sent where it went is not told with the Service of the next one from the same port', () => {
  const told: unknown[] = [];
  const asked = new AskedAddresses(({ destination, original }) =>
    told.push([destination, original?.destination]),
  );
  const packet = (prefix: string, destination: string) =>
    asked.take({ prefix, head: { ...head, destination }, sequence: 0 });
  packet('egress-1', '10.244.0.9');
  packet('egress-1', '10.244.0.2');
  packet('asked', '10.96.0.7');
  asked.flush();
  assert.deepEqual(told, [
    ['10.244.0.9', undefined],
    ['10.244.0.2', '10.96.0.7'],
  ]);
});

test('of what passed the connection is looked up, the way round that it was opened', () => {
  const asked: unknown[] = [];
  const find = (protocol: number, reply: object) => {
    asked.push([protocol, ...Object.values(reply)]);
    return undefined;
  };
  for (const rule of ['allowed', 'egress-1', 'revoked-reply']) withAsked({ rule, ...head }, find);
  assert.deepEqual(asked, [
    [6, '10.244.0.2', 8080, '10.244.0.1', 40_000],
    [6, '10.244.0.1', 40_000, '10.244.0.2', 8080],
  ]);
});
