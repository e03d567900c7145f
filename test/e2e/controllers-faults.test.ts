import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from '../../src/kube/resources.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { faultyClient } from './faulty-client.ts';
import type { Faults } from './faulty-client.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';
import { barePod, webDeployment, webTemplate } from './workload-objects.ts';

const NAMESPACE = 'default';
const WEB = { namespace: NAMESPACE, name: 'web' };
const MERGE = { type: 'merge' } as const;

const faults: Faults = { lateness: 0, lostAnswers: 0 };
let plane: ControlPlane;
let nodes: PretendNodes;

before(async () => {
  plane = await startControlPlane({ between: client => faultyClient(client, faults) });
  nodes = await startPretendNodes(plane.client, { names: ['node-1', 'node-2'] });
});

after(async () => {
  await nodes[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

beforeEach(async () => {
  faults.lateness = 0;
  faults.lostAnswers = 0;
  await plane.client.deleteCollection(DEPLOYMENTS, { namespace: NAMESPACE });
  await plane.client.deleteCollection(PODS, { namespace: NAMESPACE });
  await eventually('the last test leaves nothing', async () => {
    const pods = await plane.client.list(PODS, { namespace: NAMESPACE });
    const sets = await plane.client.list(REPLICA_SETS, { namespace: NAMESPACE });
    return pods.items.length === 0 && sets.items.length === 0;
  });
});

/** Counts every pod that is ever created from now on. */
async function countCreations(): Promise<{
  readonly count: () => number;
  readonly stop: () => Promise<void>;
}> {
  const { resourceVersion } = await plane.client.list(PODS, { namespace: NAMESPACE });
  const ended = new AbortController();
  let created = 0;
  const watching = (async () => {
    const events = plane.client.watch(PODS, { namespace: NAMESPACE, resourceVersion, signal: ended.signal });
    for await (const event of events) if (event.type === 'ADDED') created++;
  })().catch(() => undefined);
  return {
    count: () => created,
    stop: async () => {
      ended.abort(new Error('seen enough'));
      await watching;
    },
  };
}

const ready = (replicas: number) =>
  eventually(`${replicas} pods are ready`, async () => {
    const { metadata, status } = await plane.client.get(DEPLOYMENTS, WEB);
    return status?.readyReplicas === replicas && status.observedGeneration === metadata.generation;
  });

test('a cache that is late never makes a ReplicaSet create a pod twice, or delete one too many', async () => {
  faults.lateness = 40; // each event: twenty pods are seen most of a second after they were made
  const creations = await countCreations();
  await plane.client.create(DEPLOYMENTS, webDeployment('one', { replicas: 20 }));
  await ready(20);
  assert.equal(creations.count(), 20);
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { replicas: 8 } }, MERGE);
  await ready(8);
  await sleep(500);
  await creations.stop();
  assert.equal(creations.count(), 20, 'no pod too many was deleted and made again');
});

test('answers that are lost lead to no second pod and no second binding', async () => {
  const creations = await countCreations();
  faults.lateness = 40; // so that the cache does not tell either
  faults.lostAnswers = 6;
  await plane.client.create(DEPLOYMENTS, webDeployment('one', { replicas: 6 }));
  await ready(6);
  await sleep(300);
  await creations.stop();
  assert.equal(faults.lostAnswers, 0, 'the faults were met');
  assert.equal(creations.count(), 6);
  assert.equal((await plane.client.list(REPLICA_SETS, { namespace: NAMESPACE })).items.length, 1);
});

test('a rollout with late caches and lost answers ends as it should', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one', { replicas: 4 }));
  await ready(4);
  faults.lateness = 20;
  faults.lostAnswers = 5;
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('two') } }, MERGE);
  await eventually('all pods are new and ready', async () => {
    const { items } = await plane.client.list(PODS, { namespace: NAMESPACE });
    const alive = items.filter(pod => pod.metadata.deletionTimestamp === undefined);
    return alive.length === 4 && alive.every(pod => pod.spec.containers[0]?.image === 'two');
  });
  await ready(4);
});

test('one object that cannot be brought right does not hold up the others', async () => {
  // No ReplicaSet can be made for it: its name is too long for one.
  const long = webDeployment('one');
  const name = `${'x'.repeat(240)}.web`;
  await plane.client.create(DEPLOYMENTS, { ...long, metadata: { ...long.metadata, name } });
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await ready(3);
  await plane.client.create(PODS, barePod('beside', {}));
  await eventually('a pod beside is placed', async () => {
    const pod = await plane.client.get(PODS, { namespace: NAMESPACE, name: 'beside' });
    return pod.spec.nodeName;
  });
  const failed = await eventually('the failure is told', async () => {
    const { status } = await plane.client.get(DEPLOYMENTS, { namespace: NAMESPACE, name });
    return status?.conditions?.find(each => each.reason === 'ReplicaSetCreateError');
  });
  assert.equal(failed.status, 'False');
  assert.match(failed.message ?? '', /no more than 253/);
});
