import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { TestServer } from '../testing/in-process.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const DEFAULT = '/api/v1/namespaces/default';

const started = () => startTestServer({ kinds: builtInKinds() });

async function account(server: TestServer, name: string): Promise<string> {
  await server.call('POST', `${DEFAULT}/serviceaccounts`, { body: { metadata: { name } } });
  const answer = await server.call('POST', `${DEFAULT}/serviceaccounts/${name}/token`, {
    body: { spec: { expirationSeconds: 3600 } },
  });
  assert.equal(answer.status, 201, answer.text);
  return String(answer.json['status']?.['token']);
}

const as = (name: string) => ({ 'impersonate-user': `system:serviceaccount:default:${name}` });

async function grant(server: TestServer, name: string, rules: readonly object[]): Promise<void> {
  const role = await server.call('POST', `${RBAC}/namespaces/default/roles`, {
    body: { metadata: { name }, rules },
  });
  assert.equal(role.status, 201, role.text);
  const binding = await server.call('POST', `${RBAC}/namespaces/default/rolebindings`, {
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
    },
  });
  assert.equal(binding.status, 201, binding.text);
}

test('a token says whose it is until its account is gone', async () => {
  await using server = await started();
  const token = await account(server, 'robot');
  const review = () =>
    server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } });
  const valid = await review();
  assert.equal(valid.json['status']?.['user']?.['username'], 'system:serviceaccount:default:robot');
  assert.ok(!valid.text.includes(token), 'the token is not sent back');
  await server.call('DELETE', `${DEFAULT}/serviceaccounts/robot`);
  await server.call('POST', `${DEFAULT}/serviceaccounts`, { body: { metadata: { name: 'robot' } } });
  assert.equal((await review()).json['status']?.['authenticated'], false, 'another account of the same name');
});

test('a token that was changed, cut or made up is nobody’s', async () => {
  await using server = await started();
  const token = await account(server, 'robot');
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  const forged = Buffer.from(
    JSON.stringify({ ...claims, sub: 'system:serviceaccount:kube-system:admin' }),
  ).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  for (const bad of [
    `${head}.${forged}.${signature}`,
    `${none}.${body}.`,
    `${head}.${body}`,
    `${head}..${signature}`,
    'a.b.c',
    '...',
    token.slice(0, -8),
  ]) {
    const review = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      body: { spec: { token: bad } },
    });
    assert.equal(review.json['status']?.['authenticated'], false, bad);
  }
});

test('an account may do what its roles say, where they are bound, and nothing else', async () => {
  await using server = await started();
  await account(server, 'reader');
  const list = (path: string) => server.call('GET', path, { headers: as('reader') });
  const refused = await list(`${DEFAULT}/pods`);
  assert.deepEqual([refused.status, refused.json['reason']], [403, 'Forbidden']);
  assert.equal(
    String(refused.json['message']),
    'pods is forbidden: User "system:serviceaccount:default:reader" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  await grant(server, 'reader', [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]);
  assert.equal((await list(`${DEFAULT}/pods`)).status, 200);
  assert.equal((await list('/api/v1/pods')).status, 403, 'all namespaces are more than one');
  assert.equal((await list(`${DEFAULT}/secrets`)).status, 403);
  assert.equal((await list(`${DEFAULT}/pods/a/log`)).status, 403, 'a subresource is a resource of its own');
  assert.equal((await list('/api/v1')).status, 200, 'everybody may look what is there');
  await server.call('DELETE', `${RBAC}/namespaces/default/rolebindings/reader`);
  assert.equal((await list(`${DEFAULT}/pods`)).status, 403, 'a binding that is gone binds no more');
});

test('can-i answers with what the roles say', async () => {
  await using server = await started();
  await account(server, 'reader');
  await grant(server, 'reader', [
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'], resourceNames: ['web'] },
  ]);
  const canI = async (verb: string, name: string) => {
    const resourceAttributes = { verb, group: 'apps', resource: 'deployments', namespace: 'default', name };
    const answer = await server.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: { spec: { resourceAttributes } },
      headers: as('reader'),
    });
    return answer.json['status']?.['allowed'];
  };
  assert.deepEqual(
    [await canI('delete', 'web'), await canI('delete', 'other'), await canI('list', '')],
    [true, false, false],
  );
});

test('nobody gives away more than he has', async () => {
  await using server = await started();
  await account(server, 'boss');
  await grant(server, 'boss', [
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['roles', 'rolebindings'],
      verbs: ['create', 'update', 'get'],
    },
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  ]);
  const role = (name: string, verbs: readonly string[]) =>
    server.call('POST', `${RBAC}/namespaces/default/roles`, {
      body: { metadata: { name }, rules: [{ apiGroups: [''], resources: ['pods'], verbs }] },
      headers: as('boss'),
    });
  assert.equal((await role('less', ['get'])).status, 201);
  const more = await role('more', ['get', 'delete']);
  assert.equal(more.status, 403);
  assert.match(more.text, /attempting to grant RBAC permissions not currently held/);
  const bind = await server.call('POST', `${RBAC}/namespaces/default/rolebindings`, {
    body: {
      metadata: { name: 'admin' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'boss', namespace: 'default' }],
    },
    headers: as('boss'),
  });
  assert.equal(bind.status, 403);
});

test('only who may impersonate speaks for others', async () => {
  await using server = await started();
  await account(server, 'boss');
  const chained = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    body: {},
    headers: as('boss'),
  });
  assert.equal(chained.json['status']?.['userInfo']?.['username'], 'system:serviceaccount:default:boss');
  assert.ok(chained.text.includes('system:serviceaccounts:default'));
});

test('the token of a pod ends with the pod, and says on which node it is', async () => {
  await using server = await started();
  await account(server, 'robot');
  const spec = { serviceAccountName: 'robot', containers: [{ name: 'a', image: 'pause' }] };
  const pod = await server.call('POST', `${DEFAULT}/pods`, { body: { metadata: { name: 'p' }, spec } });
  const answer = await server.call('POST', `${DEFAULT}/serviceaccounts/robot/token`, {
    body: { spec: { boundObjectRef: { kind: 'Pod', name: 'p', uid: pod.json['metadata']?.['uid'] } } },
  });
  const token = String(answer.json['status']?.['token']);
  const review = () =>
    server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } });
  assert.deepEqual(
    (await review()).json['status']?.['user']?.['extra']?.['authentication.kubernetes.io/pod-name'],
    ['p'],
  );
  await server.call('DELETE', `${DEFAULT}/pods/p`);
  assert.equal((await review()).json['status']?.['authenticated'], false);
  const other = await server.call('POST', `${DEFAULT}/serviceaccounts/robot/token`, {
    body: { spec: { boundObjectRef: { kind: 'Pod', name: 'absent' } } },
  });
  assert.equal(other.status, 404);
});

test('a token for less than ten minutes is refused', async () => {
  await using server = await started();
  await account(server, 'robot');
  const answer = await server.call('POST', `${DEFAULT}/serviceaccounts/robot/token`, {
    body: { spec: { expirationSeconds: 60 } },
  });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /may not specify a duration less than 10 minutes/);
});

test('a token that is bound to a node alone ends with the node', async () => {
  await using server = await started();
  await account(server, 'robot');
  await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } });
  const answer = await server.call('POST', `${DEFAULT}/serviceaccounts/robot/token`, {
    body: { spec: { boundObjectRef: { kind: 'Node', name: 'n' } } },
  });
  const token = String(answer.json['status']?.['token']);
  const isValid = async () => {
    const body = { spec: { token } };
    const review = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body });
    return review.json['status']?.['authenticated'];
  };
  assert.equal(await isValid(), true);
  await server.call('DELETE', '/api/v1/nodes/n');
  assert.equal(await isValid(), false);
});

test('a token review names the audiences that the token is for, of those that were asked', async () => {
  await using server = await started();
  await account(server, 'robot');
  const answer = await server.call('POST', `${DEFAULT}/serviceaccounts/robot/token`, {
    body: { spec: { audiences: ['vault'] } },
  });
  const token = String(answer.json['status']?.['token']);
  const body = { spec: { token, audiences: ['bank', 'vault'] } };
  const review = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body });
  assert.deepEqual(review.json['status']?.['audiences'], ['vault']);
});

test('groups to impersonate without a user are refused: nobody gets the rights of the sender', async () => {
  await using server = await started();
  const headers = { 'impersonate-group': 'readers' };
  assert.equal((await server.call('GET', `${DEFAULT}/secrets`, { headers })).status, 400);
});

test('a role that is labelled for view counts for view, edit and admin, and is written into them', async () => {
  await using server = await started();
  const watch = await server.watch(`${RBAC}/clusterroles?watch=1`);
  const rule = { apiGroups: ['example.com'], resources: ['boats'], verbs: ['get', 'list'] };
  const role = await server.call('POST', `${RBAC}/clusterroles`, {
    body: {
      metadata: {
        name: 'boats-view',
        labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
      },
      rules: [rule],
    },
  });
  assert.equal(role.status, 201, role.text);
  const has = (name: string) =>
    watch.events.some(
      ({ object }) =>
        object?.['metadata']?.['name'] === name && JSON.stringify(object['rules']).includes('boats'),
    );
  for (let count = 1; !['view', 'edit', 'admin'].every(has); count++) await watch.take(count);
  watch.close();
  const held = await server.call('GET', `${RBAC}/clusterroles/view`);
  const rules = (held.json['rules'] ?? []) as readonly unknown[];
  assert.deepEqual(rules[0], rule, 'by the names of the roles');
  assert.deepEqual(held.json['aggregationRule'], {
    clusterRoleSelectors: [{ matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }],
  });
});
