import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';
import { TEST_KINDS } from '../testing/kinds.ts';

const SECONDS = 100;
const kinds = TEST_KINDS.map(kind =>
  kind.kind === 'ConfigMap' ? { ...kind, strategy: { ...kind.strategy, timeToLiveSeconds: SECONDS } } : kind,
);

test('objects with a time to live go after it, counted from their last write; others stay', async () => {
  let now = Date.parse('2030-01-01T00:00:00Z');
  const clock = { now: () => now, sleep: () => Promise.reject(new Error('nobody sleeps here')) };
  await using server = await startTestServer({ kinds, clock });
  const maps = '/api/v1/namespaces/default/configmaps';
  for (const name of ['old', 'renewed']) await server.call('POST', maps, { body: { metadata: { name } } });
  await server.call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' } } });
  assert.equal(await server.sweep(), 0);
  now += (SECONDS / 2) * 1000;
  await server.call('PUT', `${maps}/renewed`, { body: { metadata: { name: 'renewed' }, data: { a: 'b' } } });
  assert.equal(await server.sweep(), 0);
  now += (SECONDS / 2) * 1000;
  assert.equal(await server.sweep(), 1);
  assert.equal((await server.call('GET', `${maps}/old`)).status, 404);
  assert.equal((await server.call('GET', `${maps}/renewed`)).status, 200);
  assert.equal((await server.call('GET', '/api/v1/namespaces/default/pods/p')).status, 200);
  now += (SECONDS / 2) * 1000;
  assert.equal(await server.sweep(), 1);
});
