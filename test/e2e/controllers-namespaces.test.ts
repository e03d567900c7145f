import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isNotFound } from '../../src/kube/api-error.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  NAMESPACES,
  PODS,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
} from '../../src/kube/resources.ts';
import type { Namespace } from '../../src/kube/types/config.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';
import { webDeployment } from './workload-objects.ts';

let plane: ControlPlane;
let nodes: PretendNodes;

before(async () => {
  plane = await startControlPlane();
  nodes = await startPretendNodes(plane.client, { names: ['node-1'] });
});

after(async () => {
  await nodes[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

async function createNamespace(name: string): Promise<void> {
  await plane.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

async function find(name: string): Promise<Namespace | undefined> {
  try {
    return await plane.client.get(NAMESPACES, { name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const gone = (name: string) =>
  eventually(`namespace ${name} goes`, async () => (await find(name)) === undefined, {
    seen: () => find(name),
  });

test('every namespace has a default ServiceAccount and the root certificate, also after someone deleted them', async () => {
  await createNamespace('furnished');
  const account = { namespace: 'furnished', name: 'default' };
  const certificate = { namespace: 'furnished', name: 'kube-root-ca.crt' };
  const present = async () => {
    const accounts = await plane.client.list(SERVICE_ACCOUNTS, { namespace: 'furnished' });
    const maps = await plane.client.list(CONFIG_MAPS, { namespace: 'furnished' });
    return accounts.items.length === 1 && maps.items[0]?.data?.['ca.crt'] === plane.rootCertificate;
  };
  await eventually('both are there', present);
  await plane.client.delete(SERVICE_ACCOUNTS, account);
  await plane.client.delete(CONFIG_MAPS, certificate);
  await eventually('both are back', present);
  await plane.client.patch(CONFIG_MAPS, certificate, { data: { 'ca.crt': 'forged' } }, { type: 'merge' });
  await eventually('a forged certificate is put right', present);
});

test('a deleted namespace goes with everything in it', async () => {
  await createNamespace('full');
  const web = webDeployment('one');
  await plane.client.create(DEPLOYMENTS, { ...web, metadata: { ...web.metadata, namespace: 'full' } });
  await plane.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'password', namespace: 'full' },
    stringData: { word: 'open' },
  });
  await plane.client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'full' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  });
  await eventually('its pods run', async () => {
    const { items } = await plane.client.list(PODS, { namespace: 'full' });
    return items.length === 3 && items.every(pod => pod.status?.phase === 'Running');
  });
  await plane.client.delete(NAMESPACES, { name: 'full' });
  await gone('full');
  for (const resource of [DEPLOYMENTS, PODS, SECRETS, SERVICES, CONFIG_MAPS] as const) {
    const { items } = await plane.client.list<{
      apiVersion: string;
      kind: string;
      metadata: { name: string };
    }>(resource, { namespace: 'full' });
    assert.deepEqual(items, [], `no ${resource.plural} are left`);
  }
});

test('a namespace that cannot go says what holds it, and pods go before what guards them', async () => {
  await createNamespace('held');
  await plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'stays', namespace: 'held', finalizers: ['example.com/hold'] },
    spec: { containers: [{ name: 'main', image: 'pause' }] },
  });
  await plane.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'guard', namespace: 'held' },
  });
  await plane.client.delete(NAMESPACES, { name: 'held' });
  const told = await eventually('the conditions tell', async () => {
    const conditions = (await find('held'))?.status?.conditions ?? [];
    const remaining = conditions.find(each => each.type === 'NamespaceContentRemaining');
    const finalizers = conditions.find(each => each.type === 'NamespaceFinalizersRemaining');
    return remaining?.status === 'True' && finalizers?.status === 'True' && { remaining, finalizers };
  });
  assert.match(told.remaining.message ?? '', /pods \(1\)/);
  assert.match(told.finalizers.message ?? '', /example\.com\/hold \(1\)/);
  const secrets = await plane.client.list(SECRETS, { namespace: 'held' });
  assert.equal(secrets.items.length, 1, 'everything else waits for the pods');
  const key = { namespace: 'held', name: 'stays' };
  await plane.client.patch(PODS, key, { metadata: { finalizers: null } }, { type: 'merge' });
  await gone('held');
});

test('one namespace that is held up does not hold up another', async () => {
  await createNamespace('stuck');
  await plane.client.create(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'stays', namespace: 'stuck', finalizers: ['example.com/hold'] },
  });
  await createNamespace('free');
  await plane.client.delete(NAMESPACES, { name: 'stuck' });
  await plane.client.delete(NAMESPACES, { name: 'free' });
  await gone('free');
  assert.equal((await find('stuck'))?.status?.phase, 'Terminating');
  const key = { namespace: 'stuck', name: 'stays' };
  await plane.client.patch(CONFIG_MAPS, key, { metadata: { finalizers: null } }, { type: 'merge' });
  await gone('stuck');
});
