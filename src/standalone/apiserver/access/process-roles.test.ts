import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { TestServer } from '../testing/in-process.ts';

const AGENT = {
  'impersonate-user': 'fairlead:agent:node-1',
  'impersonate-group': 'fairlead:agents',
};
const SECRETS = '/api/v1/namespaces/shop/secrets';
const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways';

async function made(server: TestServer, path: string, body: object): Promise<void> {
  const answer = await server.call('POST', path, { body });
  assert.equal(answer.status, 201, answer.text);
}

/** A namespace with a Gateway that names `cert`, its proxy on `node`, and Secrets that it does and does not name. */
async function shopOn(server: TestServer, node: string): Promise<void> {
  await made(server, '/api/v1/namespaces', { metadata: { name: 'shop' } });
  for (const name of ['cert', 'control', 'password']) {
    await made(server, SECRETS, { metadata: { name }, stringData: { key: 'x' } });
  }
  const tls = { mode: 'Terminate', certificateRefs: [{ name: 'cert' }] };
  const listener = { name: 'https', port: 443, protocol: 'HTTPS', tls };
  await made(server, GATEWAYS, {
    metadata: { name: 'door' },
    spec: { gatewayClassName: 'fairlead', listeners: [listener] },
  });
  await made(server, '/api/v1/namespaces/shop/pods', {
    metadata: {
      name: 'proxy',
      labels: {
        'app.kubernetes.io/name': 'fairlead-proxy',
        'gateway.networking.k8s.io/gateway-name': 'door',
      },
    },
    spec: {
      nodeName: node,
      containers: [{ name: 'proxy', image: 'fairlead.dev/proxy' }],
      volumes: [{ name: 'control', secret: { secretName: 'control' } }],
    },
  });
}

test('an agent reads the Secrets of the Gateways on its node, each by its name, and no others', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  await shopOn(server, 'node-1');
  const status = async (path: string, headers: Record<string, string> = AGENT) =>
    (await server.call('GET', path, { headers })).status;
  assert.equal(await status(`${SECRETS}/cert`), 200, 'a listener names it');
  assert.equal(await status(`${SECRETS}/control`), 200, 'the proxy is given it');
  assert.equal(await status(`${SECRETS}?fieldSelector=metadata.name%3Dcert`), 200, 'as informers ask');
  assert.equal(await status(`${SECRETS}/password`), 403);
  assert.equal(await status(SECRETS), 403, 'not all at once');
  assert.equal(await status('/api/v1/secrets?fieldSelector=metadata.name%3Dcert'), 403);
  const other = { ...AGENT, 'impersonate-user': 'fairlead:agent:node-2' };
  assert.equal(await status(`${SECRETS}/cert`, other), 403, 'the Gateway is on another node');
  const pretender = { 'impersonate-user': 'fairlead:agent:node-1' };
  assert.equal(await status(`${SECRETS}/cert`, pretender), 403, 'its certificate names the group');
  await server.call('DELETE', '/api/v1/namespaces/shop/pods/proxy');
  await server.call('DELETE', `/api/v1/namespaces/shop/pods/proxy?gracePeriodSeconds=0`);
  assert.equal(await status(`${SECRETS}/cert`), 403, 'the proxy is gone');
});

/** User, groups, method, path, and whether it may. */
const CASES: readonly (readonly [string, string, string, string, boolean])[] = [
  ['fairlead:agent:node-1', 'fairlead:agents', 'GET', '/api/v1/pods', true],
  ['fairlead:agent:node-1', 'fairlead:agents', 'PATCH', '/api/v1/namespaces/shop/pods/proxy', false],
  ['fairlead:agent:node-1', 'fairlead:agents', 'PATCH', '/api/v1/namespaces/shop/pods/proxy/status', false],
  ['fairlead:agent:node-1', 'fairlead:agents', 'PATCH', '/api/v1/nodes/node-1', false],
  ['fairlead:agent:node-1', 'fairlead:agents', 'PATCH', `${GATEWAYS}/door/status`, false],
  ['fairlead:agent:node-1', 'fairlead:agents', 'DELETE', '/api/v1/namespaces/shop', false],
  ['fairlead:runtime', '', 'PATCH', '/api/v1/namespaces/shop/pods/proxy/status', true],
  ['fairlead:runtime', '', 'PATCH', '/api/v1/namespaces/shop/pods/proxy', false],
  ['fairlead:runtime', '', 'PATCH', '/api/v1/namespaces/shop/services/x', false],
  ['fairlead:controller', '', 'PATCH', `${GATEWAYS}/door/status`, true],
  ['fairlead:controller', '', 'DELETE', '/api/v1/namespaces/shop', false],
  ['fairlead:controller', '', 'PATCH', '/apis/rbac.authorization.k8s.io/v1/clusterroles/view', false],
  ['system:kube-controller-manager', '', 'DELETE', '/api/v1/namespaces/shop/secrets/cert', true],
];

test('the cluster’s own processes may do what is theirs to do, and nothing else', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  await shopOn(server, 'node-1');
  for (const [user, group, method, path, may] of CASES) {
    const headers = {
      'impersonate-user': user,
      ...(group === '' ? {} : { 'impersonate-group': group }),
    };
    const body = { metadata: { annotations: { seen: 'yes' } } };
    const type = 'application/merge-patch+json';
    const patch = method === 'PATCH' ? { body, type } : {};
    const { status } = await server.call(method, path, { headers, ...patch });
    assert.equal(status === 403, !may, `${user} ${method} ${path}: ${status}`);
  }
});

test('the controllers cannot give themselves more by a role that they may change', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const answer = await server.call(
    'PATCH',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:kube-controller-manager',
    {
      headers: { 'impersonate-user': 'system:kube-controller-manager' },
      body: { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
      type: 'application/merge-patch+json',
    },
  );
  assert.equal(answer.status, 403);
  assert.match(answer.text, /attempting to grant RBAC permissions not currently held/);
});
