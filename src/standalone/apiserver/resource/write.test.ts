import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';
import { TEST_KINDS } from '../testing/kinds.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

test('a new object gets uid, creation time and resourceVersion, and a second one of the name is refused', async () => {
  await using server = await startTestServer();
  const body = { metadata: { name: 'a' }, data: { x: 'y' } };
  const created = await server.call('POST', CONFIG_MAPS, { body });
  assert.equal(created.status, 201);
  const { metadata, kind, apiVersion } = created.json;
  assert.deepEqual([kind, apiVersion, metadata?.['namespace']], ['ConfigMap', 'v1', 'default']);
  assert.match(String(metadata?.['uid']), /^[0-9a-f-]{36}$/);
  assert.match(String(metadata?.['creationTimestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const again = await server.call('POST', CONFIG_MAPS, { body });
  assert.equal(again.status, 409);
  assert.equal(again.json['reason'], 'AlreadyExists');
  assert.equal(again.json['message'], 'configmaps "a" already exists');
});

test('generateName makes a name of its own each time', async () => {
  await using server = await startTestServer();
  const body = { metadata: { generateName: 'job-' } };
  const names = new Set<string>();
  for (let count = 0; count < 5; count++) {
    const created = await server.call('POST', CONFIG_MAPS, { body });
    names.add(String(created.json['metadata']?.['name']));
  }
  assert.equal(names.size, 5);
  for (const name of names) assert.match(name, /^job-[bcdfghjklmnpqrstvwxz2-9]{5}$/);
});

test('an object without a name, with a bad name or for another namespace is refused with the field', async () => {
  await using server = await startTestServer();
  const nameless = await server.call('POST', CONFIG_MAPS, { body: { metadata: {} } });
  assert.equal(
    nameless.json['message'],
    'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  );
  const bad = await server.call('POST', CONFIG_MAPS, {
    body: { metadata: { name: 'A_b', labels: { 'a b': 'c' } } },
  });
  assert.equal(bad.status, 422);
  assert.deepEqual(
    bad.json['details']?.['causes']?.map(cause => [cause['reason'], cause['field']]),
    [
      ['FieldValueInvalid', 'metadata.name'],
      ['FieldValueInvalid', 'metadata.labels'],
    ],
  );
  const elsewhere = await server.call('POST', CONFIG_MAPS, {
    body: { metadata: { name: 'a', namespace: 'kube-system' } },
  });
  assert.equal(elsewhere.status, 400);
});

test('a namespace that does not exist, or is going away, takes nothing new', async () => {
  await using server = await startTestServer();
  const missing = await server.call('POST', '/api/v1/namespaces/nope/pods', {
    body: { metadata: { name: 'a' } },
  });
  assert.equal(missing.status, 404);
  assert.equal(missing.json['message'], 'namespaces "nope" not found');
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'going' } } });
  const deleted = await server.call('DELETE', '/api/v1/namespaces/going');
  assert.equal(deleted.json['status']?.['phase'], 'Terminating');
  const refused = await server.call('POST', '/api/v1/namespaces/going/pods', {
    body: { metadata: { name: 'a' } },
  });
  assert.equal(refused.status, 403);
  assert.equal(refused.json['details']?.['causes']?.[0]?.['reason'], 'NamespaceTerminating');
  const finalized = await server.call('PUT', '/api/v1/namespaces/going/finalize', {
    body: { metadata: { name: 'going' }, spec: { finalizers: [] } },
  });
  assert.equal(finalized.status, 200);
  assert.equal((await server.call('GET', '/api/v1/namespaces/going')).status, 404);
});

test('an update with an old resourceVersion is a conflict; without one it overwrites', async () => {
  await using server = await startTestServer();
  const first = await server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } });
  const put = (body: object) => server.call('PUT', `${CONFIG_MAPS}/a`, { body });
  const version = first.json['metadata']?.['resourceVersion'];
  assert.equal(
    (await put({ metadata: { name: 'a', resourceVersion: version }, data: { a: '1' } })).status,
    200,
  );
  const late = await put({ metadata: { name: 'a', resourceVersion: version }, data: { a: '2' } });
  assert.equal(late.status, 409);
  assert.equal(
    late.json['message'],
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
  );
  assert.equal((await put({ metadata: { name: 'a' }, data: { a: '3' } })).json['data']?.['a'], '3');
  const stranger = await put({ metadata: { name: 'a', uid: '1-2-3' } });
  assert.match(String(stranger.json['message']), /UID in precondition: 1-2-3/);
});

test('an update that changes nothing makes no new revision', async () => {
  await using server = await startTestServer();
  const first = await server.call('POST', CONFIG_MAPS, {
    body: { metadata: { name: 'a' }, data: { x: 'y' } },
  });
  const same = await server.call('PUT', `${CONFIG_MAPS}/a`, {
    body: { data: { x: 'y' }, metadata: { name: 'a' } },
  });
  assert.equal(same.json['metadata']?.['resourceVersion'], first.json['metadata']?.['resourceVersion']);
});

test('status belongs to its subresource, and the generation counts changes of the rest', async () => {
  await using server = await startTestServer();
  const created = await server.call('POST', DEPLOYMENTS, {
    body: { metadata: { name: 'web' }, spec: { replicas: 1 }, status: { replicas: 9 } },
  });
  assert.equal(created.json['status'], undefined, 'a status is dropped on create');
  assert.equal(created.json['metadata']?.['generation'], 1);
  const status = await server.call('PUT', `${DEPLOYMENTS}/web/status`, {
    body: { metadata: { name: 'web' }, spec: { replicas: 7 }, status: { replicas: 1 } },
  });
  assert.deepEqual([status.json['spec']?.['replicas'], status.json['status']?.['replicas']], [1, 1]);
  assert.equal(status.json['metadata']?.['generation'], 1);
  const spec = await server.call('PUT', `${DEPLOYMENTS}/web`, {
    body: { metadata: { name: 'web' }, spec: { replicas: 2 }, status: { replicas: 9 } },
  });
  assert.deepEqual([spec.json['spec']?.['replicas'], spec.json['status']?.['replicas']], [2, 1]);
  assert.equal(spec.json['metadata']?.['generation'], 2);
});

test('scale is a view of the object that can be read, replaced and patched', async () => {
  await using server = await startTestServer();
  await server.call('POST', DEPLOYMENTS, { body: { metadata: { name: 'web' }, spec: { replicas: 1 } } });
  const scale = await server.call('GET', `${DEPLOYMENTS}/web/scale`);
  assert.deepEqual(
    [scale.json['kind'], scale.json['apiVersion'], scale.json['spec'], scale.json['status']],
    ['Scale', 'autoscaling/v1', { replicas: 1 }, { replicas: 0, selector: 'app=web' }],
  );
  const body = { spec: { replicas: 4 } };
  const patched = await server.call('PATCH', `${DEPLOYMENTS}/web/scale`, {
    body,
    type: 'application/merge-patch+json',
  });
  assert.equal(patched.json['spec']?.['replicas'], 4);
  const negative = await server.call('PUT', `${DEPLOYMENTS}/web/scale`, { body: { spec: { replicas: -1 } } });
  assert.equal(negative.status, 422);
  for (const other of [{ kind: 'Pod' }, { apiVersion: 'v1' }, { metadata: { name: 'db' } }]) {
    const wrong = await server.call('PUT', `${DEPLOYMENTS}/web/scale`, {
      body: { ...other, spec: { replicas: 9 } },
    });
    assert.equal(wrong.status, 400, JSON.stringify(other));
  }
  assert.equal((await server.call('GET', `${DEPLOYMENTS}/web`)).json['spec']?.['replicas'], 4);
});

test('binding sets the node and the condition once', async () => {
  await using server = await startTestServer();
  await server.call('POST', PODS, { body: { metadata: { name: 'p' }, spec: {} } });
  const bind = () =>
    server.call('POST', `${PODS}/p/binding`, { body: { target: { kind: 'Node', name: 'node-1' } } });
  assert.equal((await bind()).status, 201);
  const pod = (await server.call('GET', `${PODS}/p`)).json;
  assert.equal(pod['spec']?.['nodeName'], 'node-1');
  assert.equal(pod['status']?.['phase'], 'Pending');
  assert.deepEqual(
    [pod['status']?.['conditions']?.[0]?.['type'], pod['status']?.['conditions']?.[0]?.['status']],
    ['PodScheduled', 'True'],
  );
  assert.equal((await bind()).status, 409);
});

test('a dry run answers what would be and changes nothing', async () => {
  await using server = await startTestServer();
  const dry = await server.call('POST', `${CONFIG_MAPS}?dryRun=All`, {
    body: { metadata: { name: 'a' }, data: { x: 'y' } },
  });
  assert.equal(dry.status, 201);
  assert.equal(dry.json['data']?.['x'], 'y');
  assert.equal((await server.call('GET', `${CONFIG_MAPS}/a`)).status, 404);
  await server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' }, data: { x: '1' } } });
  const put = await server.call('PUT', `${CONFIG_MAPS}/a?dryRun=All`, {
    body: { metadata: { name: 'a' }, data: { x: '2' } },
  });
  assert.equal(put.json['data']?.['x'], '2');
  assert.equal((await server.call('DELETE', `${CONFIG_MAPS}/a?dryRun=All`)).status, 200);
  assert.equal((await server.call('GET', `${CONFIG_MAPS}/a`)).json['data']?.['x'], '1');
});

test('unknown and doubled fields are refused, warned of or ignored as asked', async () => {
  await using server = await startTestServer();
  const body = '{"metadata":{"name":"a"},"data":{"x":"1","x":"2"},"nope":1}';
  const strict = await server.call('POST', `${CONFIG_MAPS}?fieldValidation=Strict`, { body });
  assert.equal(strict.status, 400);
  assert.equal(
    strict.json['message'],
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.x", unknown field "nope"',
  );
  const warned = await server.call('POST', `${CONFIG_MAPS}?fieldValidation=Warn`, { body });
  assert.equal(warned.status, 201);
  assert.deepEqual(warned.headers['warning'], [
    String.raw`299 - "duplicate field \"data.x\""`,
    String.raw`299 - "unknown field \"nope\""`,
  ]);
  const wrong = await server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'b' }, data: 'text' } });
  assert.equal(wrong.status, 400);
  const ignored = await server.call('PUT', `${CONFIG_MAPS}/a?fieldValidation=Ignore`, { body });
  assert.equal(ignored.headers['warning'], undefined);
});

test('a body that cannot be read is the client’s fault, and says why', async () => {
  await using server = await startTestServer();
  const post = (body: string | Uint8Array, type?: string) =>
    server.call('POST', CONFIG_MAPS, { body, ...(type === undefined ? {} : { type }) });
  for (const body of [
    '{',
    '[]',
    '"a"',
    '',
    '{"__proto__":{}}',
    '['.repeat(10_000),
    new Uint8Array([0xff, 0xfe]),
  ]) {
    const answer = await post(body);
    assert.equal(answer.status, 400, String(body).slice(0, 20));
    assert.equal(answer.json['reason'], 'BadRequest');
  }
  assert.equal((await post('a', 'text/plain')).status, 415);
  assert.equal((await post('a: [', 'application/yaml')).status, 400);
  assert.equal((await post('metadata: {name: from-yaml}', 'application/yaml')).status, 201);
  const other = await post('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}');
  assert.match(String(other.json['message']), /does not match the expected kind \(ConfigMap\)/);
});

test('patches of all three types apply, and the wrong type is refused with those that are taken', async () => {
  await using server = await startTestServer();
  await server.call('POST', PODS, {
    body: {
      metadata: { name: 'p' },
      spec: {
        containers: [
          { name: 'a', image: '1' },
          { name: 'b', image: '1' },
        ],
      },
    },
  });
  const patch = (body: unknown, kind: string) =>
    server.call('PATCH', `${PODS}/p`, { body, type: `application/${kind}+json` });
  await patch({ metadata: { labels: { x: 'y' } } }, 'merge-patch');
  await patch([{ op: 'add', path: '/metadata/labels/z', value: '1' }], 'json-patch');
  const merged = await patch({ spec: { containers: [{ name: 'b', image: '2' }] } }, 'strategic-merge-patch');
  assert.deepEqual(merged.json['metadata']?.['labels'], { x: 'y', z: '1' });
  assert.deepEqual(merged.json['spec']?.['containers'], [
    { name: 'a', image: '1' },
    { name: 'b', image: '2' },
  ]);
  const failed = await patch([{ op: 'test', path: '/metadata/name', value: 'q' }], 'json-patch');
  assert.equal(failed.status, 422);
  const applied = await server.call('PATCH', `${PODS}/p`, {
    body: '{}',
    type: 'application/apply-patch+yaml',
  });
  assert.equal(applied.status, 415);
  assert.match(String(applied.json['message']), /application\/strategic-merge-patch\+json/);
  const custom = await server.call('PATCH', `${DEPLOYMENTS}/x`, {
    body: {},
    type: 'application/strategic-merge-patch+json',
  });
  assert.equal(custom.status, 415, 'a kind without merge keys does not take a strategic merge patch');
});

test('kinds that allow it are created by an update, unless it names a version of the past', async () => {
  const kinds = TEST_KINDS.map(kind =>
    kind.kind === 'ConfigMap'
      ? { ...kind, strategy: { ...kind.strategy, allowsCreateOnUpdate: true } }
      : kind,
  );
  await using server = await startTestServer({ kinds });
  const body = { metadata: { name: 'a', resourceVersion: '7' } };
  assert.equal((await server.call('PUT', `${CONFIG_MAPS}/a`, { body })).status, 404);
  assert.equal(
    (await server.call('PUT', `${CONFIG_MAPS}/a`, { body: { metadata: { name: 'a' } } })).status,
    201,
  );
  assert.equal((await server.call('PUT', `${PODS}/p`, { body: { metadata: { name: 'p' } } })).status, 404);
});

test('an answer about a hundred thousand broken rules names some, counts the others, and stays short', async () => {
  await using server = await startTestServer();
  const entries = Array.from({ length: 100_000 }, (_, index) => [`_${index}`, 'x'] as const);
  const labelled = { metadata: { name: 'a', labels: Object.fromEntries(entries) } };
  const invalid = await server.call('POST', CONFIG_MAPS, { body: labelled });
  assert.equal(invalid.status, 422);
  assert.match(String(invalid.json['message']), /, and 99936 more\]$/);
  assert.equal(invalid.json['details']?.['causes']?.length, 64);
  const named = await server.call('POST', CONFIG_MAPS, {
    body: { metadata: { name: 'A'.repeat(1_000_000) } },
  });
  assert.equal(named.status, 422);
  for (const { text } of [invalid, named]) assert.ok(text.length < 64 * 1024, `${text.length} characters`);
});
