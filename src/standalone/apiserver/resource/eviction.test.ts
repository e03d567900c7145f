import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { TestServer } from '../testing/in-process.ts';

const PODS = '/api/v1/namespaces/default/pods';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

async function podIsReady(server: TestServer, name: string): Promise<void> {
  const spec = { nodeName: 'node-1', containers: [{ name: 'a', image: 'pause' }] };
  await server.call('POST', PODS, { body: { metadata: { name, labels: { app: 'web' } }, spec } });
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  const answer = await server.call('PATCH', `${PODS}/${name}/status`, {
    body: { status },
    type: 'application/merge-patch+json',
  });
  assert.equal(answer.status, 200, answer.text);
}

async function budgetAllows(server: TestServer, disruptionsAllowed: number): Promise<void> {
  const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
  await server.call('POST', BUDGETS, { body: { metadata: { name: 'web' }, spec } });
  const status = {
    observedGeneration: 1,
    disruptionsAllowed,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 2,
  };
  const answer = await server.call('PATCH', `${BUDGETS}/web/status`, {
    body: { status },
    type: 'application/merge-patch+json',
  });
  assert.equal(answer.status, 200, answer.text);
}

const evictionOf = (name: string) => ({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });

test('an eviction waits while the budget allows none, and is counted when it does', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  await podIsReady(server, 'a');
  await budgetAllows(server, 0);
  const refused = await server.call('POST', `${PODS}/a/eviction`, { body: evictionOf('a') });
  assert.deepEqual([refused.status, refused.json['reason']], [429, 'TooManyRequests']);
  assert.equal(refused.json['details']?.['causes']?.[0]?.['reason'], 'DisruptionBudget');

  await budgetAllows(server, 1);
  const allowed = await server.call('POST', `${PODS}/a/eviction`, { body: evictionOf('a') });
  assert.equal(allowed.status, 201, allowed.text);
  const budget = await server.call('GET', `${BUDGETS}/web`);
  assert.equal(budget.json['status']?.['disruptionsAllowed'], 0);
  assert.deepEqual(Object.keys(budget.json['status']?.['disruptedPods'] ?? {}), ['a']);
  const pod = await server.call('GET', `${PODS}/a`);
  assert.ok(pod.json['metadata']?.['deletionTimestamp'], 'the pod is on its way');
});

test('a pod that no budget covers is evicted at once', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  await podIsReady(server, 'a');
  const answer = await server.call('POST', `${PODS}/a/eviction`, { body: evictionOf('a') });
  assert.equal(answer.status, 201, answer.text);
});
