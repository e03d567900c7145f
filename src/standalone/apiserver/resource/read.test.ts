import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';
import type { CallResult, TestServer } from '../testing/in-process.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const names = (list: CallResult): readonly unknown[] =>
  list.json['items']?.map(item => item['metadata']?.['name']) ?? [];

async function create(server: TestServer, ...made: readonly string[]): Promise<void> {
  for (const name of made) {
    const created = await server.call('POST', CONFIG_MAPS, {
      body: { metadata: { name, labels: { name } } },
    });
    assert.equal(created.status, 201);
  }
}

test('a list is in the order of names and can be read across namespaces', async () => {
  await using server = await startTestServer();
  await create(server, 'b', 'a');
  await server.call('POST', '/api/v1/namespaces/kube-system/configmaps', {
    body: { metadata: { name: 'c' } },
  });
  assert.deepEqual(names(await server.call('GET', CONFIG_MAPS)), ['a', 'b']);
  const all = await server.call('GET', '/api/v1/configmaps');
  assert.deepEqual(names(all), ['a', 'b', 'c']);
  assert.equal(all.json['kind'], 'ConfigMapList');
});

test('pages show one state, whatever is written between them', async () => {
  await using server = await startTestServer();
  await create(server, 'a', 'b', 'c', 'd', 'e');
  const first = await server.call('GET', `${CONFIG_MAPS}?limit=2`);
  assert.deepEqual(names(first), ['a', 'b']);
  assert.equal(first.json['metadata']?.['remainingItemCount'], 3);
  await server.call('DELETE', `${CONFIG_MAPS}/c`);
  await create(server, 'bb');
  const token = String(first.json['metadata']?.['continue']);
  const rest = await server.call('GET', `${CONFIG_MAPS}?limit=10&continue=${token}`);
  assert.deepEqual(names(rest), ['c', 'd', 'e']);
  assert.equal(rest.json['metadata']?.['resourceVersion'], first.json['metadata']?.['resourceVersion']);
  assert.equal(rest.json['metadata']?.['continue'], undefined);
});

test('after a restart an old page token is expired, with a token to go on in what is there now', async () => {
  await using server = await startTestServer();
  await create(server, 'a', 'b', 'c');
  const first = await server.call('GET', `${CONFIG_MAPS}?limit=1`);
  await create(server, 'bb');
  await server.restart();
  const gone = await server.call(
    'GET',
    `${CONFIG_MAPS}?limit=1&continue=${String(first.json['metadata']?.['continue'])}`,
  );
  assert.equal(gone.status, 410);
  assert.equal(gone.json['reason'], 'Expired');
  const on = await server.call(
    'GET',
    `${CONFIG_MAPS}?continue=${String(gone.json['metadata']?.['continue'])}`,
  );
  assert.deepEqual(names(on), ['b', 'bb', 'c']);
});

test('resourceVersion and its match choose the state, and a version from the future is told to list again', async () => {
  await using server = await startTestServer();
  await create(server, 'a');
  const then = String((await server.call('GET', CONFIG_MAPS)).json['metadata']?.['resourceVersion']);
  await create(server, 'b');
  assert.deepEqual(
    names(await server.call('GET', `${CONFIG_MAPS}?resourceVersion=${then}&resourceVersionMatch=Exact`)),
    ['a'],
  );
  assert.deepEqual(names(await server.call('GET', `${CONFIG_MAPS}?resourceVersion=${then}`)), ['a', 'b']);
  assert.deepEqual(names(await server.call('GET', `${CONFIG_MAPS}?resourceVersion=0`)), ['a', 'b']);
  const future = await server.call('GET', `${CONFIG_MAPS}?resourceVersion=999999`);
  assert.equal(future.status, 504);
  assert.equal(future.json['details']?.['causes']?.[0]?.['reason'], 'ResourceVersionTooLarge');
  const match = await server.call('GET', `${CONFIG_MAPS}?resourceVersionMatch=Exact`);
  assert.equal(match.status, 422);
});

test('selectors choose, and broken ones are refused', async () => {
  await using server = await startTestServer();
  await create(server, 'a', 'b');
  const list = (query: string) => server.call('GET', `${CONFIG_MAPS}?${query}`);
  assert.deepEqual(names(await list('labelSelector=name%20in%20(a,c)')), ['a']);
  assert.deepEqual(names(await list('fieldSelector=metadata.name!%3Da')), ['b']);
  assert.deepEqual(names(await list('fieldSelector=metadata.name%3Db')), ['b']);
  for (const query of [
    'labelSelector=%3D%3D',
    'fieldSelector=spec.nope%3D1',
    'limit=x',
    'continue=%21',
    'resourceVersion=abc',
    'timeoutSeconds=soon',
  ]) {
    const refused = await list(query);
    assert.equal(refused.status, 400, query);
    assert.equal(refused.json['reason'], 'BadRequest');
  }
});

test('a table has the kind’s columns, and metadata of each object', async () => {
  await using server = await startTestServer();
  await create(server, 'a');
  const table = (await server.call('GET', CONFIG_MAPS, { accept: TABLE })).json;
  assert.deepEqual([table['kind'], table['apiVersion']], ['Table', 'meta.k8s.io/v1']);
  assert.equal(table['columnDefinitions']?.[0]?.['name'], 'Name');
  assert.deepEqual(table['rows']?.[0]?.['cells'], ['a']);
  assert.equal(table['rows']?.[0]?.['object']?.['kind'], 'PartialObjectMetadata');
  const whole = (await server.call('GET', `${CONFIG_MAPS}?includeObject=Object`, { accept: TABLE })).json;
  assert.equal(whole['rows']?.[0]?.['object']?.['kind'], 'ConfigMap');
});

test('partial metadata is answered alone, and a type that is not spoken is refused', async () => {
  await using server = await startTestServer();
  await create(server, 'a');
  const accept =
    'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
  const partial = (await server.call('GET', CONFIG_MAPS, { accept })).json;
  assert.equal(partial['kind'], 'PartialObjectMetadataList');
  assert.equal(partial['items']?.[0]?.['metadata']?.['name'], 'a');
  assert.equal(
    (await server.call('GET', CONFIG_MAPS, { accept: 'application/vnd.kubernetes.protobuf' })).status,
    406,
  );
});

test('everything survives a restart, and revisions go on', async () => {
  await using server = await startTestServer();
  await create(server, 'a', 'b');
  await server.call('DELETE', `${CONFIG_MAPS}/a`);
  const before = await server.call('GET', CONFIG_MAPS);
  await server.restart();
  const after = await server.call('GET', CONFIG_MAPS);
  assert.equal(after.text, before.text);
  await create(server, 'c');
  const revision = Number((await server.call('GET', CONFIG_MAPS)).json['metadata']?.['resourceVersion']);
  assert.equal(revision, Number(before.json['metadata']?.['resourceVersion']) + 1);
});
