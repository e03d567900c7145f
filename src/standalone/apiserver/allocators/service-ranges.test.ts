import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { Json, TestServer } from '../testing/in-process.ts';

const NETWORKING = '/apis/networking.k8s.io/v1';
const CIDRS = `${NETWORKING}/servicecidrs`;
const ADDRESSES = `${NETWORKING}/ipaddresses`;
const SERVICES = '/api/v1/namespaces/default/services';

const started = () => startTestServer({ kinds: builtInKinds() });

const service = (server: TestServer, name: string, spec: object = {}) =>
  server.call('POST', SERVICES, { body: { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } } });

/** The first list for which `holds`, from watching it. */
async function until(
  server: TestServer,
  path: string,
  holds: (items: readonly Json[]) => boolean,
): Promise<readonly Json[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { json } = await server.call('GET', path);
    const items = json['items'] ?? ([] as unknown as Json);
    if (holds(items)) return items;
    if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(items)}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}

const names = (items: readonly Json[]) => items.map(item => String(item['metadata']?.['name']));

test('the cluster’s own range is there, ready, and stays while the kubernetes Service is in it', async () => {
  await using server = await started();
  const isReady = (items: readonly Json[]) =>
    items[0]?.['status']?.['conditions']?.[0]?.['status'] === 'True';
  const [range] = await until(server, CIDRS, isReady);
  assert.deepEqual(range?.['spec'], { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] });
  assert.equal(range['status']?.['conditions']?.[0]?.['message'], 'Kubernetes default Service CIDR is ready');
  const answer = await server.call('DELETE', `${CIDRS}/kubernetes`);
  assert.deepEqual(answer.json['metadata']?.['finalizers'], ['networking.k8s.io/service-cidr-finalizer']);
  await until(server, CIDRS, items => items.length === 1 && !isReady(items));
});

test('each address of a Service is shown as an IPAddress, made and removed with it', async () => {
  await using server = await started();
  const made = await service(server, 'web', {
    ipFamilyPolicy: 'RequireDualStack',
    clusterIP: '10.96.9.9',
    clusterIPs: ['10.96.9.9', 'fd00:10:96::99'],
  });
  assert.equal(made.status, 201, made.text);
  const items = await until(server, ADDRESSES, all => all.length === 3);
  assert.deepEqual(names(items), ['10.96.0.1', '10.96.9.9', 'fd00:10:96::99']);
  const shown = items[1];
  assert.deepEqual(shown?.['spec'], {
    parentRef: { resource: 'services', namespace: 'default', name: 'web' },
  });
  assert.deepEqual(shown['metadata']?.['labels'], {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  });
  await server.call('DELETE', `${ADDRESSES}/10.96.9.9`);
  await until(server, ADDRESSES, all => all.length === 3);
  await server.call('DELETE', `${SERVICES}/web`);
  await until(server, ADDRESSES, all => all.length === 1);
});

test('after a restart the addresses are those of the Services that there are', async () => {
  await using server = await started();
  await service(server, 'web', { clusterIP: '10.96.9.9' });
  await until(server, ADDRESSES, all => all.length === 2);
  await server.restart();
  const items = await until(server, ADDRESSES, all => all.length === 2);
  assert.deepEqual(names(items), ['10.96.0.1', '10.96.9.9']);
});

test('an address that somebody took by an IPAddress of his own is given to no Service', async () => {
  await using server = await started();
  const parentRef = { group: 'example.com', resource: 'gateways', name: 'g' };
  const taken = await server.call('POST', ADDRESSES, {
    body: { metadata: { name: '10.96.7.7' }, spec: { parentRef } },
  });
  assert.equal(taken.status, 201, taken.text);
  const refused = await service(server, 'web', { clusterIP: '10.96.7.7' });
  assert.equal(refused.status, 422);
  assert.match(refused.text, /provided IP is already allocated/);
  await server.call('DELETE', `${ADDRESSES}/10.96.7.7`);
  assert.equal((await service(server, 'web', { clusterIP: '10.96.7.7' })).status, 201);
});

test('a further range extends what Services may have, and goes only when none has an address of it', async () => {
  await using server = await started();
  const wish = { clusterIP: '10.200.0.5' };
  assert.match((await service(server, 'web', wish)).text, /does not match the current range/);
  const range = await server.call('POST', CIDRS, {
    body: { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] } },
  });
  assert.equal(range.status, 201, range.text);
  assert.equal((await service(server, 'web', wish)).status, 201);
  await server.call('DELETE', `${CIDRS}/more`);
  const going = await until(server, CIDRS, items =>
    items.some(item => item['status']?.['conditions']?.[0]?.['reason'] === 'Terminating'),
  );
  assert.deepEqual(names(going), ['kubernetes', 'more']);
  assert.match(
    (await service(server, 'late', { clusterIP: '10.200.0.6' })).text,
    /does not match the current range/,
  );
  await server.call('DELETE', `${SERVICES}/web`);
  await until(server, CIDRS, items => items.length === 1);
});

test('ranges and addresses that make no sense are refused', async () => {
  await using server = await started();
  for (const cidrs of [
    [],
    ['10.0.0.1/8'],
    ['10.0.0.0/8', '10.1.0.0/16'],
    ['a'],
    ['10.0.0.0/8', 'fd00::/112', 'fd01::/112'],
  ]) {
    const answer = await server.call('POST', CIDRS, { body: { metadata: { name: 'r' }, spec: { cidrs } } });
    assert.equal(answer.status, 422, answer.text);
  }
  const parentRef = { resource: 'services', namespace: 'default', name: 'x' };
  for (const [name, spec] of [
    ['10.96.0.001', { parentRef }],
    ['fd00:0::1', { parentRef }],
    ['web', { parentRef }],
    ['10.96.0.3', {}],
    ['10.96.0.3', { parentRef: { name: 'x' } }],
  ] as const) {
    const answer = await server.call('POST', ADDRESSES, { body: { metadata: { name }, spec } });
    assert.equal(answer.status, 422, answer.text);
  }
});
