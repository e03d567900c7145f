import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { TestWatch } from '../testing/in-process.ts';

const PATH = '/apis/apiregistration.k8s.io/v1/apiservices';

const started = () => startTestServer({ kinds: builtInKinds() });

/** The first event of `type` about `name`. */
async function heard(watch: TestWatch, type: string, name: string): Promise<void> {
  const isIt = () =>
    watch.events.some(event => event['type'] === type && event['object']?.['metadata']?.['name'] === name);
  for (let count = 1; !isIt(); count++) await watch.take(count);
}

test('each group version that is served is shown as an APIService of this server', async () => {
  await using server = await started();
  const watch = await server.watch(`${PATH}?watch=1`);
  await heard(watch, 'ADDED', 'v1.discovery.k8s.io');
  watch.close();
  const apps = await server.call('GET', `${PATH}/v1.apps`);
  assert.deepEqual(apps.json['spec'], {
    group: 'apps',
    version: 'v1',
    groupPriorityMinimum: 17_800,
    versionPriority: 15,
  });
  assert.deepEqual(apps.json['metadata']?.['labels'], {
    'kube-aggregator.kubernetes.io/automanaged': 'onstart',
  });
  const [condition] = apps.json['status']?.['conditions'] ?? [];
  assert.deepEqual([condition?.['type'], condition?.['status']], ['Available', 'True']);
  assert.equal((await server.call('GET', `${PATH}/v1.`)).status, 200, 'the core group');
  assert.equal((await server.call('GET', `${PATH}/v1.apiregistration.k8s.io`)).status, 404);
});

test('a definition brings the APIService of its group version, and takes it along', async () => {
  await using server = await started();
  const watch = await server.watch(`${PATH}?watch=1`);
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const schema = { openAPIV3Schema: { type: 'object' } };
  const definition = await server.call('POST', definitions, {
    body: {
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'boats', kind: 'Boat' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    },
  });
  assert.equal(definition.status, 201, definition.text);
  await heard(watch, 'ADDED', 'v1.example.com');
  await server.call('DELETE', `${definitions}/boats.example.com`);
  await heard(watch, 'DELETED', 'v1.example.com');
  watch.close();
});

test('another server behind a Service is refused with the reason', async () => {
  await using server = await started();
  const answer = await server.call('POST', PATH, {
    body: {
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        service: { namespace: 'kube-system', name: 'metrics-server' },
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    },
  });
  assert.equal(answer.status, 422);
  assert.match(answer.text, /spec.service: Forbidden: this server does not pass requests on/);
});
