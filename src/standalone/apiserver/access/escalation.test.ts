import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { TestServer } from '../testing/in-process.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const AS_BOSS = { 'impersonate-user': 'boss' };
const SUBJECTS = [{ kind: 'User', name: 'boss' }];
const ALL_RBAC = [
  { apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['create', 'update', 'patch', 'get'] },
];
const EVERYONE = { clusterRoleSelectors: [{}] };

const roleRef = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name });

/** `boss` may write all roles and bindings, and has no more than that. */
async function started(): Promise<TestServer> {
  const server = await startTestServer({ kinds: builtInKinds() });
  const role = { metadata: { name: 'boss' }, rules: ALL_RBAC };
  const made = await server.call('POST', `${RBAC}/clusterroles`, { body: role });
  assert.equal(made.status, 201, made.text);
  const body = { metadata: { name: 'boss' }, roleRef: roleRef('boss'), subjects: SUBJECTS };
  assert.equal((await server.call('POST', `${RBAC}/clusterrolebindings`, { body })).status, 201);
  return server;
}

test('who binds a role that gathers others needs all that those allow', async () => {
  await using server = await started();
  const gathering = {
    metadata: { name: 'gathering' },
    rules: [],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'gathering' } }] },
  };
  await server.call('POST', `${RBAC}/clusterroles`, { body: gathering });
  const secrets = {
    metadata: { name: 'secrets', labels: { to: 'gathering' } },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
  };
  await server.call('POST', `${RBAC}/clusterroles`, { body: secrets });
  const body = { metadata: { name: 'more' }, roleRef: roleRef('gathering'), subjects: SUBJECTS };
  const bound = await server.call('POST', `${RBAC}/clusterrolebindings`, { body, headers: AS_BOSS });
  assert.equal(bound.status, 403, bound.text);
  assert.match(bound.text, /secrets/);
});

test('a role that gathers others is made by who holds everything alone', async () => {
  await using server = await started();
  const body = { metadata: { name: 'all' }, rules: [], aggregationRule: EVERYONE };
  const made = await server.call('POST', `${RBAC}/clusterroles`, { body, headers: AS_BOSS });
  assert.equal(made.status, 403, made.text);
  const patched = await server.call('PATCH', `${RBAC}/clusterroles/boss`, {
    body: { aggregationRule: EVERYONE },
    type: 'application/merge-patch+json',
    headers: AS_BOSS,
  });
  assert.equal(patched.status, 403, patched.text);
  assert.equal((await server.call('POST', `${RBAC}/clusterroles`, { body })).status, 201, 'an admin may');
});

test('a role of a billion combinations is refused at once', async () => {
  await using server = await started();
  const many = Array.from({ length: 1000 }, (_, index) => `a${index}`);
  const rules = [{ verbs: many, apiGroups: many, resources: many }];
  const body = { metadata: { name: 'many' }, rules };
  const made = await server.call('POST', `${RBAC}/clusterroles`, { body, headers: AS_BOSS });
  assert.equal(made.status, 403, made.text);
});
