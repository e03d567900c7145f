import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildPolicyModel } from '../policy/index.ts';
import { explainDrop } from './explain-drop.ts';
import type { ReportedPacket } from './ends.ts';

const pod = (name: string, ip: string, nodeName: string) => ({
  apiVersion: 'v1' as const,
  kind: 'Pod' as const,
  metadata: { namespace: 'shop', name, uid: name, labels: { app: name } },
  spec: { nodeName, containers: [] },
  status: { podIPs: [{ ip }] },
});

const policy = (name: string, annotations: Readonly<Record<string, string>>) => ({
  apiVersion: 'networking.k8s.io/v1' as const,
  kind: 'NetworkPolicy' as const,
  metadata: { namespace: 'shop', name, uid: name, generation: 1, annotations },
  spec: {
    podSelector: { matchLabels: { app: name } },
    ingress: [{ ports: [{ port: 8080 }] }],
  },
});

const model = buildPolicyModel({
  pods: [
    pod('web', '10.244.0.1', 'node-1'),
    pod('api', '10.244.1.1', 'node-2'),
    pod('db', '10.244.1.2', 'node-2'),
  ],
  namespaces: [],
  policies: [policy('api', {}), policy('db', { 'fairlead.dev/audit': 'true' })],
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

const packet = (change: Partial<ReportedPacket>): ReportedPacket => ({
  rule: 'ingress-0badcafe',
  source: '10.244.0.1',
  destination: '10.244.1.1',
  protocol: 6,
  sourcePort: 40_000,
  port: 80,
  ...change,
});
const explain = (change: Partial<ReportedPacket>) =>
  explainDrop(model, 'node-2', packet(change)) ?? assert.fail();

test('a drop names both ends, the policies that isolate, what is near, and the change', () => {
  const { destination, direction, protocol, source, verdict, why } = explain({});
  assert.deepEqual([source.pod, source.node, source.port], ['shop/web', 'node-1', 40_000]);
  assert.deepEqual([destination.pod, destination.port], ['shop/api', 80]);
  assert.deepEqual(
    [protocol, direction, verdict, why.rule],
    ['TCP', 'ingress', 'dropped', 'ingress-0badcafe'],
  );
  assert.equal(
    why.sentence,
    'ingress of shop/api is isolated by NetworkPolicy/shop/api; nearest is NetworkPolicy/shop/api spec.ingress[0]: port 80, allowed is 8080',
  );
  assert.deepEqual(why.change?.add, { protocol: 'TCP', port: 80 });
});

test('nodes and the outside are named as what they are, protocols without ports have none', () => {
  const node = explain({ source: '172.30.0.1' });
  assert.deepEqual([node.source.node, node.source.pod], ['node-1', undefined]);
  const ping = explainDrop(model, 'node-2', {
    rule: 'ingress-1',
    source: '192.0.2.7',
    destination: '10.244.1.1',
    protocol: 1,
  });
  assert.deepEqual(ping?.source, { address: '192.0.2.7' });
  assert.equal(ping?.protocol, 'ICMP');
  assert.equal(explain({ protocol: 47 }).protocol, 'IP 47');
});

test('a reply of a connection that was cut is told as the connection', () => {
  const { source, destination, why } = explain({
    rule: 'revoked-reply',
    source: '10.244.1.1',
    destination: '10.244.0.1',
    sourcePort: 80,
    port: 40_000,
  });
  assert.deepEqual(
    [source.pod, source.port, destination.pod, destination.port],
    ['shop/web', 40_000, 'shop/api', 80],
  );
  assert.match(why.sentence, /isolated by NetworkPolicy\/shop\/api, which cut what was open/);
});

test('the Service that was asked for is told where the kernel tells the connection', () => {
  const original = { source: '10.244.0.1', destination: '10.96.0.7', destinationPort: 8000 };
  assert.deepEqual(explain({ original }).service, { address: '10.96.0.7', port: 8000 });
  const direct = { source: '10.244.0.1', destination: '10.244.1.1', destinationPort: 80 };
  assert.equal(explain({ original: direct }).service, undefined);
});

test('what passed a policy that is tried is audited, with that policy’s reason', () => {
  const { direction, verdict, why } = explain({ rule: 'audit-ingress-1', destination: '10.244.1.2' });
  assert.deepEqual([verdict, direction, why.rule], ['audited', 'ingress', 'ingress-1']);
  assert.match(why.sentence, /isolated by NetworkPolicy\/shop\/db/);
});

test('a closed pod, and policies that changed meanwhile, are told as that', () => {
  assert.match(explain({ rule: 'closed' }).why.sentence, /the pod is closed/);
  assert.match(explain({ port: 8080 }).why.sentence, /it is allowed now/);
  assert.equal(explainDrop(model, 'node-2', packet({ source: '' })), undefined);
});
