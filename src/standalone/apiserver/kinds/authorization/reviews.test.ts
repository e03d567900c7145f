import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../../testing/in-process.ts';
import { builtInKinds } from '../index.ts';

const ACCESS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const RULES = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';

test('an administrator may do everything', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } };
  const access = await server.call('POST', ACCESS, { body });
  assert.deepEqual([access.status, access.json['status']?.['allowed']], [201, true]);
  const rules = await server.call('POST', RULES, { body: { spec: { namespace: 'default' } } });
  const [first] = rules.json['status']?.['resourceRules'] ?? [];
  assert.deepEqual(first, { verbs: ['*'], apiGroups: ['*'], resources: ['*'] });
  assert.equal((await server.call('GET', ACCESS)).status, 405);
});

test('a question without a subject is refused', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  for (const [path, body] of [
    [ACCESS, { spec: {} }],
    [ACCESS, { spec: { resourceAttributes: { verb: 'get' }, nonResourceAttributes: { path: '/' } } }],
    [RULES, { spec: {} }],
  ] as const) {
    assert.equal((await server.call('POST', path, { body })).status, 422, JSON.stringify(body));
  }
});
