import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';

const REFERENCE = new URL('../../../../../shared/data/kubernetes-v1.36/discovery/', import.meta.url);
const skip = existsSync(REFERENCE) ? false : 'reference data is absent: discovery of Kubernetes 1.36';

interface Resource {
  readonly name: string;
  readonly verbs: readonly string[];
}

const GROUP_VERSIONS = [
  'api/v1',
  'apis/apps/v1',
  'apis/authorization.k8s.io/v1',
  'apis/networking.k8s.io/v1',
  'apis/discovery.k8s.io/v1',
  'apis/coordination.k8s.io/v1',
  'apis/events.k8s.io/v1',
];

test('what discovery says of a resource is what a real server says of it', { skip }, async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  for (const path of GROUP_VERSIONS) {
    const answer = await server.call('GET', `/${path}`);
    const ours = JSON.parse(answer.text) as { resources: readonly Resource[] };
    const file = fileURLToPath(new URL(`${path.replaceAll('/', '__')}.json`, REFERENCE));
    const theirs = JSON.parse(readFileSync(file, 'utf8')) as { resources: readonly Resource[] };
    assert.ok(ours.resources.length > 0, path);
    for (const resource of ours.resources) {
      const same = theirs.resources.find(({ name }) => name === resource.name);
      assert.ok(same, `${path} ${resource.name} is unknown to a real server`);
      assert.deepEqual({ ...resource, verbs: resource.verbs.toSorted() }, withoutHash(same));
    }
  }
});

function withoutHash(resource: Resource): object {
  const { storageVersionHash: _hash, ...rest } = resource as Resource & { storageVersionHash?: string };
  return { ...rest, verbs: rest.verbs.toSorted() };
}

test('the aggregated form holds the same resources, with an ETag that spares a second reading', async () => {
  await using server = await startTestServer();
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const groups = await server.call('GET', '/apis', { accept });
  assert.equal(
    groups.headers['content-type'],
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  );
  const [apps] = groups.json['items'] ?? [];
  assert.equal(apps?.['metadata']?.['name'], 'apps');
  const [deployments] = apps?.['versions']?.[0]?.['resources'] ?? [];
  assert.deepEqual(deployments?.['responseKind'], { group: '', version: '', kind: 'Deployment' });
  assert.deepEqual(
    deployments?.['subresources']?.map(sub => sub['subresource']),
    ['scale', 'status'],
  );
  const headers = { 'if-none-match': String(groups.headers['etag']) };
  const again = await server.call('GET', '/apis', { accept, headers });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('the legacy form lists groups, versions and resources', async () => {
  await using server = await startTestServer();
  assert.deepEqual((await server.call('GET', '/api')).json['versions'], ['v1']);
  const groups = await server.call('GET', '/apis');
  assert.deepEqual(
    groups.json['groups']?.map(group => group['name']),
    ['apps'],
  );
  assert.equal(
    (await server.call('GET', '/apis/apps')).json['preferredVersion']?.['groupVersion'],
    'apps/v1',
  );
  assert.equal((await server.call('GET', '/apis/apps/v1')).json['kind'], 'APIResourceList');
  assert.equal((await server.call('GET', '/apis/apps/v9')).status, 404);
});
