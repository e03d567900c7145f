import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const PODS = '/api/v1/namespaces/default/pods';

test('a deletion answers with a Status that names the object', async () => {
  await using server = await startTestServer();
  const created = await server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } });
  const deleted = await server.call('DELETE', `${CONFIG_MAPS}/a`);
  assert.equal(deleted.json['status'], 'Success');
  assert.deepEqual(deleted.json['details'], {
    name: 'a',
    kind: 'configmaps',
    uid: created.json['metadata']?.['uid'],
  });
  const again = await server.call('DELETE', `${CONFIG_MAPS}/a`);
  assert.equal(again.json['message'], 'configmaps "a" not found');
});

test('an object with finalizers waits for the last one, and takes no new ones meanwhile', async () => {
  await using server = await startTestServer();
  await server.call('POST', CONFIG_MAPS, {
    body: { metadata: { name: 'a', finalizers: ['example.com/x'] } },
  });
  const deleted = await server.call('DELETE', `${CONFIG_MAPS}/a`);
  assert.ok(deleted.json['metadata']?.['deletionTimestamp']);
  const added = await server.call('PATCH', `${CONFIG_MAPS}/a`, {
    body: { metadata: { finalizers: ['example.com/x', 'example.com/y'] } },
    type: 'application/merge-patch+json',
  });
  assert.equal(added.status, 422);
  assert.match(
    String(added.json['message']),
    /no new finalizers can be added if the object is being deleted/,
  );
  const last = await server.call('PATCH', `${CONFIG_MAPS}/a`, {
    body: { metadata: { finalizers: null } },
    type: 'application/merge-patch+json',
  });
  assert.equal(last.status, 200);
  assert.equal((await server.call('GET', `${CONFIG_MAPS}/a`)).status, 404);
});

test('a deletion for another uid or version does nothing', async () => {
  await using server = await startTestServer();
  await server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } });
  for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }]) {
    const refused = await server.call('DELETE', `${CONFIG_MAPS}/a`, { body: { preconditions } });
    assert.equal(refused.status, 409);
  }
  assert.equal((await server.call('GET', `${CONFIG_MAPS}/a`)).status, 200);
});

test('foreground and orphan deletions leave their finalizer for the garbage collector', async () => {
  await using server = await startTestServer();
  for (const [policy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ]) {
    await server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } });
    const deleted = await server.call('DELETE', `${CONFIG_MAPS}/a`, { body: { propagationPolicy: policy } });
    assert.deepEqual(deleted.json['metadata']?.['finalizers'], [finalizer]);
    const background = await server.call('DELETE', `${CONFIG_MAPS}/a?propagationPolicy=Background`);
    assert.equal(background.status, 200);
    assert.equal((await server.call('GET', `${CONFIG_MAPS}/a`)).status, 404);
  }
  const odd = await server.call('DELETE', `${CONFIG_MAPS}/a`, { body: { propagationPolicy: 'Sideways' } });
  assert.equal(odd.status, 422);
});

test('a running pod goes gracefully, an unscheduled one at once, and grace 0 ends the wait', async () => {
  await using server = await startTestServer();
  await server.call('POST', PODS, { body: { metadata: { name: 'waiting' }, spec: {} } });
  await server.call('DELETE', `${PODS}/waiting`);
  assert.equal((await server.call('GET', `${PODS}/waiting`)).status, 404);
  await server.call('POST', PODS, { body: { metadata: { name: 'p' }, spec: { nodeName: 'node-1' } } });
  const marked = await server.call('DELETE', `${PODS}/p`);
  assert.equal(marked.json['metadata']?.['deletionGracePeriodSeconds'], 30);
  const first = Date.parse(String(marked.json['metadata']?.['deletionTimestamp']));
  const shorter = await server.call('DELETE', `${PODS}/p`, { body: { gracePeriodSeconds: 10 } });
  assert.equal(shorter.json['metadata']?.['deletionGracePeriodSeconds'], 10);
  assert.equal(Date.parse(String(shorter.json['metadata']?.['deletionTimestamp'])), first - 20_000);
  const longer = await server.call('DELETE', `${PODS}/p`, { body: { gracePeriodSeconds: 60 } });
  assert.equal(longer.json['metadata']?.['deletionGracePeriodSeconds'], 10);
  await server.call('DELETE', `${PODS}/p`, { body: { gracePeriodSeconds: 0 } });
  assert.equal((await server.call('GET', `${PODS}/p`)).status, 404);
});

test('a grace of more years than there are dates is shortened', async () => {
  await using server = await startTestServer();
  await server.call('POST', PODS, { body: { metadata: { name: 'p' }, spec: { nodeName: 'node-1' } } });
  const body = { gracePeriodSeconds: Number.MAX_SAFE_INTEGER };
  const marked = await server.call('DELETE', `${PODS}/p`, { body });
  assert.equal(marked.status, 200, marked.text);
  assert.match(String(marked.json['metadata']?.['deletionTimestamp']), /^20\d\d-/);
});

test('an eviction is a deletion', async () => {
  await using server = await startTestServer();
  await server.call('POST', PODS, { body: { metadata: { name: 'p' }, spec: {} } });
  const evicted = await server.call('POST', `${PODS}/p/eviction`, { body: { metadata: { name: 'p' } } });
  assert.equal(evicted.status, 201);
  assert.equal((await server.call('GET', `${PODS}/p`)).status, 404);
});

test('a collection is deleted by selector, and the rest stays', async () => {
  await using server = await startTestServer();
  for (const name of ['a', 'b', 'c']) {
    const labels = { app: name === 'c' ? 'other' : 'web' };
    await server.call('POST', CONFIG_MAPS, { body: { metadata: { name, labels } } });
  }
  const deleted = await server.call('DELETE', `${CONFIG_MAPS}?labelSelector=app%3Dweb`);
  assert.deepEqual(
    deleted.json['items']?.map(item => item['metadata']?.['name']),
    ['a', 'b'],
  );
  const left = await server.call('GET', CONFIG_MAPS);
  assert.deepEqual(
    left.json['items']?.map(item => item['metadata']?.['name']),
    ['c'],
  );
});

test('what every cluster has stays: the first namespaces, and the Service of the API server', async () => {
  await using server = await startTestServer();
  const refused = await server.call('DELETE', '/api/v1/namespaces/default');
  assert.equal(refused.status, 403);
  assert.equal(
    refused.json['message'],
    'namespaces "default" is forbidden: this namespace may not be deleted',
  );
  const services = '/api/v1/namespaces/default/services';
  const watch = await server.watch(`${services}?watch=1`);
  await server.call('DELETE', `${services}/kubernetes`);
  const events = await watch.take(3);
  assert.deepEqual(
    events.map(event => event['type']),
    ['ADDED', 'DELETED', 'ADDED'],
  );
  assert.equal(events[2]?.['object']?.['spec']?.['clusterIP'], '10.96.0.1');
  watch.close();
});
