import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isNotFound } from '../../src/kube/api-error.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  EVENTS,
  NAMESPACES,
  NODES,
  PODS,
  REPLICA_SETS,
} from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types/core.ts';
import type { OwnerReference } from '../../src/kube/types/meta.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';
import { webDeployment } from './workload-objects.ts';

const NAMESPACE = 'default';

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

function configMap(name: string, owners: readonly OwnerReference[] = [], namespace = NAMESPACE): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ...(owners.length === 0 ? {} : { ownerReferences: owners }) },
  };
}

function ownedBy(owner: ConfigMap, blockOwnerDeletion = false): OwnerReference {
  const { name, uid = '' } = owner.metadata;
  return { apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion };
}

const create = (object: ConfigMap) => plane.client.create(CONFIG_MAPS, object);

async function find(name: string, namespace = NAMESPACE): Promise<ConfigMap | undefined> {
  try {
    return await plane.client.get(CONFIG_MAPS, { namespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const gone = (name: string, namespace = NAMESPACE) =>
  eventually(`${name} is collected`, async () => (await find(name, namespace)) === undefined);

/** Long enough that a collector that wants to delete would have done so: the sentinel was collected meanwhile. */
async function collectorHadItsTurn(): Promise<void> {
  const name = `sentinel-${Math.random().toString(36).slice(2)}`;
  await create(
    configMap(name, [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'never-was', uid: 'no-such-uid' }]),
  );
  await gone(name);
  await sleep(50);
}

test('what a deleted owner leaves behind is deleted, down the whole tree', async () => {
  const root = await create(configMap('root'));
  const child = await create(configMap('child', [ownedBy(root)]));
  await create(configMap('grandchild', [ownedBy(child)]));
  await plane.client.delete(CONFIG_MAPS, { namespace: NAMESPACE, name: 'root' });
  await gone('child');
  await gone('grandchild');
});

test('an object with two owners stays until both are gone, and forgets the first', async () => {
  const first = await create(configMap('first'));
  const second = await create(configMap('second'));
  await create(configMap('shared', [ownedBy(first), ownedBy(second)]));
  await plane.client.delete(CONFIG_MAPS, { namespace: NAMESPACE, name: 'first' });
  await eventually('it forgets the first owner', async () => {
    const shared = await find('shared');
    return shared?.metadata.ownerReferences?.length === 1;
  });
  await plane.client.delete(CONFIG_MAPS, { namespace: NAMESPACE, name: 'second' });
  await gone('shared');
});

test('a namesake with another uid is no owner', async () => {
  const before = await create(configMap('same-name'));
  await plane.client.delete(CONFIG_MAPS, { namespace: NAMESPACE, name: 'same-name' });
  await create(configMap('same-name'));
  await create(configMap('of-the-first', [ownedBy(before)]));
  await gone('of-the-first');
  assert.ok(await find('same-name'), 'the second one is left alone');
});

test('an owner in another namespace does not count: the object is deleted and an Event says why', async () => {
  await plane.client.create(NAMESPACES, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'elsewhere' },
  });
  const owner = await create(configMap('far-owner', [], 'elsewhere'));
  await create(configMap('far-dependent', [ownedBy(owner)]));
  await gone('far-dependent');
  assert.ok(await find('far-owner', 'elsewhere'));
  await eventually('an Event says why', async () => {
    const { items } = await plane.client.list(EVENTS, { namespace: NAMESPACE });
    return items.some(event => event.reason === 'OwnerRefInvalidNamespace');
  });
});

test('an object whose owner is of an unknown kind is never deleted', async () => {
  const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'some-uid' };
  await create(configMap('of-a-widget', [owner]));
  await collectorHadItsTurn();
  assert.ok(await find('of-a-widget'));
});

test('with foreground deletion the owner goes after the dependents that block it', async () => {
  const owner = await create(configMap('slow-owner'));
  const held = configMap('held', [ownedBy(owner, true)]);
  await create({ ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } });
  await plane.client.delete(
    CONFIG_MAPS,
    { namespace: NAMESPACE, name: 'slow-owner' },
    { propagationPolicy: 'Foreground' },
  );
  await eventually(
    'the dependent is told to go',
    async () => (await find('held'))?.metadata.deletionTimestamp,
  );
  await collectorHadItsTurn();
  const waiting = await find('slow-owner');
  assert.deepEqual(waiting?.metadata.finalizers, ['foregroundDeletion'], 'the owner waits');
  await plane.client.patch(
    CONFIG_MAPS,
    { namespace: NAMESPACE, name: 'held' },
    { metadata: { finalizers: [] } },
    { type: 'merge' },
  );
  await gone('slow-owner');
});

test('with orphaning the dependents stay and forget their owner', async () => {
  const owner = await create(configMap('leaving'));
  await create(configMap('left', [ownedBy(owner)]));
  await collectorHadItsTurn();
  await plane.client.delete(
    CONFIG_MAPS,
    { namespace: NAMESPACE, name: 'leaving' },
    { propagationPolicy: 'Orphan' },
  );
  await gone('leaving');
  const left = await find('left');
  assert.ok(left, 'it stays');
  assert.deepEqual(left.metadata.ownerReferences ?? [], []);
});

test('a deleted Deployment takes its ReplicaSets and pods along; an orphaned one leaves them running', async () => {
  const up = () =>
    eventually('three pods are ready', async () => {
      const found = await plane.client.get(DEPLOYMENTS, { namespace: NAMESPACE, name: 'web' });
      return found.status?.readyReplicas === 3;
    });
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await up();
  await plane.client.delete(
    DEPLOYMENTS,
    { namespace: NAMESPACE, name: 'web' },
    { propagationPolicy: 'Orphan' },
  );
  await collectorHadItsTurn();
  assert.equal((await plane.client.list(PODS, { namespace: NAMESPACE })).items.length, 3);
  const [set] = (await plane.client.list(REPLICA_SETS, { namespace: NAMESPACE })).items;
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await up();
  const sets = (await plane.client.list(REPLICA_SETS, { namespace: NAMESPACE })).items;
  assert.deepEqual(
    sets.map(each => each.metadata.uid),
    [set?.metadata.uid],
    'the new Deployment adopts what the first one left',
  );
  await plane.client.delete(DEPLOYMENTS, { namespace: NAMESPACE, name: 'web' });
  await eventually('everything is gone', async () => {
    const pods = await plane.client.list(PODS, { namespace: NAMESPACE });
    const left = await plane.client.list(REPLICA_SETS, { namespace: NAMESPACE });
    return pods.items.length === 0 && left.items.length === 0;
  });
});

test('what is owned by a cluster-scoped object goes with it', async () => {
  const node = await plane.client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'gone-soon' },
  });
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'gone-soon', uid: node.metadata.uid ?? '' };
  await create(configMap('of-a-node', [owner]));
  await collectorHadItsTurn();
  assert.ok(await find('of-a-node'), 'it stays while the node is there');
  await plane.client.delete(NODES, { name: 'gone-soon' });
  await gone('of-a-node');
});
