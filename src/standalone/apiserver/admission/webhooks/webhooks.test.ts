import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { builtInKinds } from '../../kinds/index.ts';
import { startTestServer } from '../../testing/in-process.ts';
import type { CallResult, TestServer } from '../../testing/in-process.ts';
import { patching, startHooks } from './testing/hook-server.ts';
import type { HookServer } from './testing/hook-server.ts';

const REGISTRATION = '/apis/admissionregistration.k8s.io/v1';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const RULE = {
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  resources: ['configmaps'],
};

const started = () => startTestServer({ kinds: builtInKinds() });

async function configure(
  server: TestServer,
  type: 'mutating' | 'validating',
  hooks: readonly object[],
  name = 'c',
): Promise<void> {
  const webhooks = hooks.map((hook, index) => ({
    name: `h${index}.example.com`,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    rules: [RULE],
    ...hook,
  }));
  const answer = await server.call('POST', `${REGISTRATION}/${type}webhookconfigurations`, {
    body: { metadata: { name }, webhooks },
  });
  assert.equal(answer.status, 201, answer.text);
}

const at = ({ port, caBundle }: HookServer, path: string) => ({
  clientConfig: { url: `https://127.0.0.1:${port}${path}`, caBundle },
});

const create = (server: TestServer, data: object, query = ''): Promise<CallResult> =>
  server.call('POST', `${CONFIG_MAPS}${query}`, { body: { metadata: { name: 'm' }, data } });

test('a mutating webhook changes what is stored, a validating one sees the outcome', async () => {
  await using hooks = await startHooks({
    '/color': () => patching({ op: 'add', path: '/data/color', value: 'red' }),
    '/check': ({ object }) => ({ allowed: object['data']?.['color'] === 'red', warnings: ['seen'] }),
  });
  await using server = await started();
  await configure(server, 'mutating', [at(hooks, '/color')]);
  await configure(server, 'validating', [at(hooks, '/check')]);
  const answer = await create(server, { size: '1' });
  assert.equal(answer.status, 201, answer.text);
  assert.deepEqual(answer.json['data'], { size: '1', color: 'red' });
  assert.deepEqual(answer.headers['warning'], ['299 - "seen"']);
  const stored = await server.call('GET', `${CONFIG_MAPS}/m`);
  assert.deepEqual(stored.json['data'], { size: '1', color: 'red' });
  const [first] = hooks.requests;
  assert.deepEqual(
    { ...first?.request, uid: '', object: '', options: '' },
    {
      uid: '',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'm',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'tester', groups: ['system:masters'] },
      object: '',
      oldObject: null,
      dryRun: false,
      options: '',
    },
  );
});

test('a refusal is answered with the webhook’s own code, reason and words', async () => {
  await using hooks = await startHooks({
    '/no': () => ({ allowed: false, status: { code: 403, reason: 'Forbidden', message: 'not today' } }),
    '/silent': () => ({ allowed: false }),
  });
  await using server = await started();
  await configure(server, 'validating', [at(hooks, '/no')], 'a');
  const refused = await create(server, {});
  assert.deepEqual(
    [refused.status, refused.json['reason'], refused.json['message']],
    [403, 'Forbidden', 'admission webhook "h0.example.com" denied the request: not today'],
  );
  await server.call('DELETE', `${REGISTRATION}/validatingwebhookconfigurations/a`);
  await configure(server, 'validating', [at(hooks, '/silent')], 'b');
  const silent = await create(server, {});
  assert.deepEqual(
    [silent.status, silent.json['message']],
    [400, 'admission webhook "h0.example.com" denied the request without explanation'],
  );
});

test('changes and deletions are asked about with the object before', async () => {
  await using hooks = await startHooks({
    '/keep': ({ operation, oldObject }) => ({
      allowed: operation === 'CREATE' || oldObject['data']?.['locked'] !== 'yes',
    }),
  });
  await using server = await started();
  await configure(server, 'validating', [at(hooks, '/keep')]);
  assert.equal((await create(server, { locked: 'yes' })).status, 201);
  assert.equal((await server.call('DELETE', `${CONFIG_MAPS}/m`)).status, 400);
  const change = await server.call('PATCH', `${CONFIG_MAPS}/m`, {
    body: { data: { locked: 'no' } },
    type: 'application/merge-patch+json',
  });
  assert.equal(change.status, 400, change.text);
  assert.deepEqual(
    hooks.requests.map(({ request }) => request.operation),
    ['CREATE', 'DELETE', 'UPDATE'],
  );
});

test('a change that is mutated keeps what the client may not change', async () => {
  await using hooks = await startHooks({
    '/label': ({ operation }) =>
      operation === 'UPDATE'
        ? patching({ op: 'add', path: '/metadata/labels', value: { by: 'hook' } })
        : { allowed: true },
  });
  await using server = await started();
  await configure(server, 'mutating', [at(hooks, '/label')]);
  const made = await create(server, { a: '1' });
  const changed = await server.call('PATCH', `${CONFIG_MAPS}/m`, {
    body: { data: { a: '2' } },
    type: 'application/merge-patch+json',
  });
  assert.equal(changed.status, 200, changed.text);
  assert.deepEqual(changed.json['metadata']?.['labels'], { by: 'hook' });
  assert.deepEqual(changed.json['data'], { a: '2' });
  assert.equal(changed.json['metadata']?.['uid'], made.json['metadata']?.['uid']);
});

test('a webhook that wants to see later changes is asked once more', async () => {
  await using hooks = await startHooks({
    '/first': ({ object }) =>
      object['data']?.['late'] === 'yes'
        ? patching({ op: 'add', path: '/data/seen', value: 'yes' })
        : { allowed: true },
    '/second': () => patching({ op: 'add', path: '/data/late', value: 'yes' }),
  });
  await using server = await started();
  await configure(server, 'mutating', [
    { ...at(hooks, '/first'), reinvocationPolicy: 'IfNeeded' },
    at(hooks, '/second'),
  ]);
  const answer = await create(server, { a: '1' });
  assert.deepEqual(answer.json['data'], { a: '1', late: 'yes', seen: 'yes' });
  assert.deepEqual(
    hooks.requests.map(({ path }) => path),
    ['/first', '/second', '/first'],
  );
});

test('a webhook that cannot be asked refuses, or is passed over, as it says', async () => {
  await using hooks = await startHooks({
    '/never': () => undefined,
    '/patch': () => ({ ...patching({ op: 'remove', path: '/data' }) }),
    '/other': () => ({ uid: 'another', allowed: true }),
  });
  await using server = await started();
  const cases = [
    [
      { ...at(hooks, '/never'), timeoutSeconds: 1 },
      /failed to call webhook: Post .*context deadline exceeded/,
    ],
    [{ clientConfig: { url: 'https://127.0.0.1:1/' } }, /failed to call webhook: Post .*ECONNREFUSED/],
    [{ clientConfig: { url: `https://127.0.0.1:${hooks.port}/patch` } }, /failed to call webhook/],
    [at(hooks, '/patch'), /validating webhook may not return response.patch/],
    [at(hooks, '/other'), /expected response.uid=/],
    [
      { clientConfig: { service: { namespace: 'default', name: 'absent' } } },
      /Post \\"https:\/\/absent.default.svc:443\/\?timeout=30s\\": service \\"absent\\" not found/,
    ],
  ] as const;
  for (const [hook, message] of cases) {
    const configured = { timeoutSeconds: 30, ...hook };
    await configure(server, 'validating', [configured], 'strict');
    const answer = await create(server, {});
    assert.equal(answer.status, 500, answer.text);
    assert.match(answer.text, message);
    assert.match(answer.text, /Internal error occurred: failed calling webhook \\"h0.example.com\\"/);
    await server.call('DELETE', `${REGISTRATION}/validatingwebhookconfigurations/strict`);
    await configure(server, 'validating', [{ ...configured, failurePolicy: 'Ignore' }], 'lax');
    assert.equal((await create(server, {})).status, 201);
    await server.call('DELETE', `${REGISTRATION}/validatingwebhookconfigurations/lax`);
    assert.equal((await server.call('DELETE', `${CONFIG_MAPS}/m`)).status, 200);
  }
});

test('selectors, rules and match conditions leave webhooks alone that are not concerned', async () => {
  await using hooks = await startHooks({ '/no': () => ({ allowed: false }) });
  await using server = await started();
  const no = at(hooks, '/no');
  await configure(server, 'validating', [
    { ...no, objectSelector: { matchLabels: { app: 'x' } } },
    { ...no, namespaceSelector: { matchLabels: { team: 'x' } } },
    { ...no, rules: [{ ...RULE, operations: ['CONNECT'] }] },
    { ...no, rules: [{ ...RULE, scope: 'Cluster' }] },
    { ...no, matchConditions: [{ name: 'never', expression: "request.name == 'other'" }] },
  ]);
  assert.equal((await create(server, {})).status, 201);
  assert.equal(hooks.requests.length, 0);
});

test('a mutating webhook is asked about a scaling, and may refuse but not change it', async () => {
  await using hooks = await startHooks({
    '/scale': ({ object }) => {
      const { replicas } = object['spec'] as unknown as { readonly replicas: number };
      if (replicas === 2) return patching({ op: 'replace', path: '/spec/replicas', value: 3 });
      return { allowed: replicas === 1, status: { message: 'one is enough' } };
    },
  });
  await using server = await started();
  const rule = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'] };
  const rules = [{ ...rule, resources: ['deployments/scale'] }];
  await configure(server, 'mutating', [{ ...at(hooks, '/scale'), rules }]);
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const labels = { app: 'a' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'pause' }] } };
  await server.call('POST', path, {
    body: { metadata: { name: 'd' }, spec: { replicas: 4, selector: { matchLabels: labels }, template } },
  });
  const scale = (replicas: number) =>
    server.call('PATCH', `${path}/d/scale`, {
      body: { spec: { replicas } },
      type: 'application/merge-patch+json',
    });
  assert.match((await scale(5)).text, /denied the request: one is enough/);
  assert.match((await scale(2)).text, /attempted to modify the scale, which is not supported/);
  assert.equal((await scale(1)).status, 200);
});

test('a webhook behind a Service is called on the node of one of its ready pods, by the Service’s name', async () => {
  await using hooks = await startHooks({ '/v': () => ({ allowed: false }) });
  const dialled: string[] = [];
  await using server = await startTestServer({
    kinds: builtInKinds(),
    dialPod: (node, { host, port }) => {
      dialled.push(`${node} ${host}:${port}`);
      return Promise.resolve(connect({ host: '127.0.0.1', port: hooks.port }));
    },
  });
  await server.call('POST', '/api/v1/namespaces/default/services', {
    body: { metadata: { name: 'hooks' }, spec: { ports: [{ port: 443, targetPort: 9443 }] } },
  });
  const slice = await server.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    body: {
      metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 9443 }],
      endpoints: [
        { addresses: ['10.1.0.4'], nodeName: 'node-1', conditions: { ready: false } },
        { addresses: ['10.1.0.5'], nodeName: 'node-2' },
      ],
    },
  });
  assert.equal(slice.status, 201, slice.text);
  const { caBundle } = hooks;
  await configure(server, 'validating', [
    { clientConfig: { service: { namespace: 'default', name: 'hooks', path: '/v' }, caBundle } },
  ]);
  const answer = await create(server, {});
  assert.equal(answer.status, 400, answer.text);
  assert.deepEqual(dialled, ['node-2 10.1.0.5:9443']);
});

test('a dry run is asked about as one', async () => {
  await using hooks = await startHooks({ '/yes': () => ({ allowed: true }) });
  await using server = await started();
  await configure(server, 'validating', [at(hooks, '/yes')]);
  assert.equal((await create(server, {}, '?dryRun=All')).status, 201);
  assert.equal(hooks.requests[0]?.request['dryRun'], true);
  assert.equal((await server.call('GET', `${CONFIG_MAPS}/m`)).status, 404);
});

test('broken configurations are refused with their fields', async () => {
  await using server = await started();
  const hook = {
    name: 'h.example.com',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    clientConfig: { url: 'https://h.example.com/' },
    rules: [RULE],
  };
  const cases = [
    [{ name: 'short' }, 'webhooks[0].name'],
    [{ sideEffects: 'Some' }, 'webhooks[0].sideEffects'],
    [{ sideEffects: undefined }, 'webhooks[0].sideEffects'],
    [{ clientConfig: {} }, 'webhooks[0].clientConfig'],
    [{ clientConfig: { url: 'http://h.example.com/' } }, 'webhooks[0].clientConfig.url'],
    [{ timeoutSeconds: 31 }, 'webhooks[0].timeoutSeconds'],
    [{ admissionReviewVersions: ['v2'] }, 'webhooks[0].admissionReviewVersions'],
    [{ rules: [{ ...RULE, resources: ['*', 'pods'] }] }, 'webhooks[0].rules[0].resources'],
    [
      { matchConditions: [{ name: 'a', expression: 'object.' }] },
      'webhooks[0].matchConditions[0].expression',
    ],
  ] as const;
  for (const [change, field] of cases) {
    const answer = await server.call('POST', `${REGISTRATION}/validatingwebhookconfigurations`, {
      body: { metadata: { name: 'c' }, webhooks: [{ ...hook, ...change }] },
    });
    assert.equal(answer.status, 422, `${JSON.stringify(change)}: ${answer.text}`);
    assert.equal(answer.json['details']?.['causes']?.[0]?.['field'], field);
  }
});
