import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEvent } from '../../base/flow-event.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../../kube/types/networking.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import type { PolicyObjects } from '../../policy/index.ts';
import { shadowReport, withCandidate } from './shadow.ts';

const pod = (name: string, ip: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1' as const,
  kind: 'Pod' as const,
  metadata: { namespace: 'shop', name, uid: name, labels },
  spec: { nodeName: 'node-1', containers: [] },
  status: { podIPs: [{ ip }] },
});
const policy = (name: string, spec: NetworkPolicySpec): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'shop', name },
  spec,
});
const web = { app: 'web', 'pod-template-hash': 'x1' };
const live: PolicyObjects = {
  pods: [
    pod('web-x1-a', '10.244.0.1', web),
    pod('web-x1-b', '10.244.0.2', web),
    pod('api', '10.244.0.3', { app: 'api' }),
  ],
  namespaces: [],
  policies: [
    policy('api', { podSelector: { matchLabels: { app: 'api' } }, ingress: [{ ports: [{ port: 80 }] }] }),
  ],
  nodes: [],
  nodeLocalServices: [],
};

const seen = (number: number, from: string, address: string, port: number): FlowEvent => ({
  id: `node-1/${number}`,
  at: `2026-01-01T00:00:0${number}.000Z`,
  last: `2026-01-01T00:00:0${number}.000Z`,
  node: 'node-1',
  source: { address, pod: `shop/${from}`, labels: web },
  destination: { address: '10.244.0.3', port, pod: 'shop/api' },
  protocol: 'TCP',
  verdict: 'allowed',
  direction: 'egress',
  packets: 1,
  why: { rule: 'allowed', sentence: '', policies: [], misses: [] },
});
const events = [
  seen(1, 'web-x1-a', '10.244.0.1', 80),
  seen(2, 'web-x1-b', '10.244.0.2', 80),
  seen(3, 'web-x1-a', '10.244.0.1', 81),
  seen(4, 'web-x1-c', '10.244.0.1', 80), // its address is another pod's now
];

const report = (candidate: Partial<Parameters<typeof withCandidate>[1]>) =>
  shadowReport(
    buildPolicyModel(live),
    buildPolicyModel(withCandidate(live, { objects: [], isWhole: false, without: [], ...candidate })),
    events,
  );

test('connections that a candidate would drop are told once a workload, with the engine’s reason', () => {
  const { differences, judged, stale } = report({
    objects: [
      policy('api', { podSelector: { matchLabels: { app: 'api' } }, ingress: [{ ports: [{ port: 81 }] }] }),
    ],
  });
  assert.deepEqual([judged, stale], [3, 1]);
  assert.deepEqual(
    differences.map(({ from, to, port, allowed, events: count, last }) => [
      from,
      to,
      port,
      allowed,
      count,
      last.id,
    ]),
    [
      ['shop/web', 'shop/api', 80, false, 2, 'node-1/2'],
      ['shop/web', 'shop/api', 81, true, 1, 'node-1/3'],
    ],
  );
  assert.equal(differences[0]?.verdict.ingress.misses[0]?.sentence, 'port 80, allowed is 81');
});

test('the same policies differ in nothing; without them everything passes; policies of other kinds of file do not count', () => {
  assert.deepEqual(report({}).differences, []);
  assert.deepEqual(report({ objects: live.policies, isWhole: true }).differences, []);
  assert.deepEqual(
    report({ without: ['shop/api'] }).differences.map(({ port, allowed }) => [port, allowed]),
    [[81, true]],
  );
  assert.deepEqual(
    report({ isWhole: true }).differences.map(({ port, allowed }) => [port, allowed]),
    [[81, true]],
  );
});

test('a policy beside the others isolates what they leave open', () => {
  const deny = policy('deny', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] });
  assert.deepEqual(
    report({ objects: [deny] }).differences.map(({ port, allowed }) => [port, allowed]),
    [[80, false]],
  );
});

test('a candidate that is no policy, or takes away none that there is, is an error, and no pass', () => {
  const [webPod] = live.pods;
  assert.throws(() => report({ objects: webPod === undefined ? [] : [webPod] }), {
    code: 'policy/no-candidate',
    hint: /there are Pod/,
  });
  assert.throws(() => report({ without: ['shop/ap'] }), { code: 'policy/no-candidate', hint: /shop\/api/ });
  assert.doesNotThrow(() => report({ objects: webPod === undefined ? [] : [webPod], isWhole: true }));
});
