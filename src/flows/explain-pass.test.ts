import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildPolicyModel } from '../policy/index.ts';
import type { ReportedPacket } from './ends.ts';
import { explainPass } from './explain-pass.ts';
import { flowOfEvent } from './flow-of-event.ts';

const pod = (
  name: string,
  ip: string,
  nodeName: string,
  labels: Readonly<Record<string, string>> = { app: name },
) => ({
  apiVersion: 'v1' as const,
  kind: 'Pod' as const,
  metadata: { namespace: 'shop', name, uid: name, labels },
  spec: { nodeName, containers: [] },
  status: { podIPs: [{ ip }] },
});

const model = buildPolicyModel({
  pods: [
    pod('web', '10.244.0.1', 'node-1'),
    pod('api', '10.244.1.1', 'node-2'),
    pod('free', '10.244.0.2', 'node-1'),
    pod('proxy', '10.244.0.3', 'node-1', { 'gateway.networking.k8s.io/gateway-name': 'front' }),
  ],
  namespaces: [],
  policies: [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { namespace: 'shop', name: 'api', uid: 'api', generation: 1 },
      spec: { podSelector: { matchLabels: { app: 'api' } }, ingress: [{ ports: [{ port: 8080 }] }] },
    },
  ],
  nodes: [],
  nodeLocalServices: [],
});

const explain = (node: string, change: Partial<ReportedPacket>) =>
  explainPass(model, node, {
    rule: 'allowed',
    source: '10.244.0.1',
    destination: '10.244.1.1',
    protocol: 6,
    sourcePort: 40_000,
    port: 8080,
    ...change,
  });

test('what passed names both ends, the rule that let it pass and its policy', () => {
  const event = explain('node-1', {
    original: { source: '10.244.0.1', destination: '10.96.0.7', destinationPort: 80 },
  });
  assert.equal(event?.verdict, 'allowed');
  assert.deepEqual([event?.source.pod, event?.destination.pod], ['shop/web', 'shop/api']);
  assert.deepEqual(event?.source.labels, { app: 'web' });
  assert.deepEqual(event?.service, { address: '10.96.0.7', port: 80 });
  assert.deepEqual(
    event?.why.policies.map(({ kind, name, field }) => [kind, name, field]),
    [['NetworkPolicy', 'api', 'spec.ingress[0]']],
  );
  assert.equal(event?.why.rules?.length, 1);
  assert.equal(event?.why.sentence, 'ingress is allowed by NetworkPolicy/shop/api spec.ingress[0]');
});

test('of two nodes that see a connection the source’s tells; one from outside is told by the destination’s', () => {
  assert.equal(explain('node-2', {}), undefined);
  assert.equal(explain('node-2', { source: '192.0.2.1' })?.direction, 'ingress');
});

test('what a Gateway’s proxy opens is told as the Gateway’s', () => {
  assert.equal(explain('node-1', { source: '10.244.0.3' })?.source.gateway, 'shop/front');
  assert.equal(explain('node-1', {})?.source.gateway, undefined);
});

test('where no policy says anything, and where policies have changed, that is told', () => {
  const free = explain('node-1', { destination: '10.244.0.2' });
  assert.equal(free?.why.sentence, 'no policy isolates an end of it');
  assert.deepEqual(free?.why.policies, []);
  assert.match(explain('node-1', { port: 81 })?.why.sentence ?? '', /it is not allowed now/);
});

test('an event is the flow that the engine is asked about, with the names that the destination had', () => {
  const event = explain('node-1', { destination: '203.0.113.7' });
  const flow = flowOfEvent({
    ...(event ?? assert.fail()),
    id: 'node-1/1',
    at: '',
    last: '',
    node: 'node-1',
    packets: 1,
    destination: { address: '203.0.113.7', port: 443, names: ['example.com'] },
  });
  assert.deepEqual(flow?.names, ['example.com']);
  assert.equal(flow?.port, 443);
});
