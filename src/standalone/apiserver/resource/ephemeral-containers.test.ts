import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';

const PODS = '/api/v1/namespaces/default/pods';
const CONTAINER = { name: 'main', image: 'pause' };
const type = 'application/strategic-merge-patch+json';

test('who may add ephemeral containers changes nothing else of a pod', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const spec = { containers: [CONTAINER], nodeName: 'node-1' };
  await server.call('POST', PODS, { body: { metadata: { name: 'p', labels: { app: 'web' } }, spec } });
  const patched = await server.call('PATCH', `${PODS}/p/ephemeralcontainers`, {
    body: {
      metadata: { labels: { app: 'db' } },
      spec: {
        serviceAccountName: 'admin',
        hostNetwork: true,
        containers: [{ ...CONTAINER, image: 'evil' }],
        ephemeralContainers: [{ name: 'debug', image: 'pause' }],
      },
    },
    type,
  });
  assert.equal(patched.status, 200, patched.text);
  const { json } = await server.call('GET', `${PODS}/p`);
  assert.equal(json['spec']?.['ephemeralContainers']?.[0]?.['name'], 'debug');
  assert.equal(json['spec']?.['containers']?.[0]?.['image'], 'pause');
  assert.equal(json['metadata']?.['labels']?.['app'], 'web');
  assert.notEqual(json['spec']?.['serviceAccountName'], 'admin');
  assert.equal(json['spec']?.['hostNetwork'], undefined);
});

test('an ephemeral container that is there is neither changed nor removed', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const spec = { containers: [CONTAINER], nodeName: 'node-1' };
  await server.call('POST', PODS, { body: { metadata: { name: 'p' }, spec } });
  const patch = (ephemeralContainers: unknown, form: string) =>
    server.call('PATCH', `${PODS}/p/ephemeralcontainers`, {
      body: { spec: { ephemeralContainers } },
      type: form,
    });
  assert.equal((await patch([{ name: 'debug', image: 'pause' }], type)).status, 200);
  const changed = await patch([{ name: 'debug', image: 'evil' }], type);
  assert.equal(changed.status, 422, changed.text);
  assert.match(changed.text, /may not be changed/);
  const removed = await patch(null, 'application/merge-patch+json');
  assert.equal(removed.status, 422, removed.text);
  assert.match(removed.text, /may not be removed/);
  assert.equal((await patch([{ name: 'more', image: 'pause' }], type)).status, 200, 'more may come');
});
