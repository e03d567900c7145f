import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from '../../src/kube/resources.ts';
import type { Deployment, ReplicaSet } from '../../src/kube/types/apps.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';
import { barePod, webDeployment, webTemplate } from './workload-objects.ts';

const WEB = { namespace: 'default', name: 'web' };
const MERGE = { type: 'merge' } as const;

let plane: ControlPlane;
let nodes: PretendNodes;

before(async () => {
  plane = await startControlPlane();
  nodes = await startPretendNodes(plane.client, { names: ['node-1', 'node-2', 'node-3'] });
});

after(async () => {
  await nodes[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

beforeEach(async () => {
  nodes.setReadiness(() => true);
  await plane.client.deleteCollection(DEPLOYMENTS, { namespace: 'default' });
  await plane.client.deleteCollection(REPLICA_SETS, { namespace: 'default' });
  await plane.client.deleteCollection(PODS, { namespace: 'default' });
  await eventually('the last test leaves nothing', async () => {
    const pods = await plane.client.list(PODS, { namespace: 'default' });
    const sets = await plane.client.list(REPLICA_SETS, { namespace: 'default' });
    return pods.items.length === 0 && sets.items.length === 0;
  });
});

const get = (): Promise<Deployment> => plane.client.get(DEPLOYMENTS, WEB);

async function sets(): Promise<readonly ReplicaSet[]> {
  return (await plane.client.list(REPLICA_SETS, { namespace: 'default' })).items;
}

async function pods(): Promise<readonly Pod[]> {
  const { items } = await plane.client.list(PODS, { namespace: 'default' });
  return items.filter(pod => pod.metadata.deletionTimestamp === undefined);
}

/** What `kubectl rollout status` waits for. */
function rolledOut(image: string): Promise<Deployment> {
  return eventually(
    `the Deployment rolls ${image} out`,
    async () => {
      const deployment = await get();
      const { metadata, spec, status } = deployment;
      const wanted = spec.replicas ?? 1;
      const done =
        (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
        (status?.updatedReplicas ?? 0) === wanted &&
        (status?.replicas ?? 0) === wanted &&
        (status?.availableReplicas ?? 0) === wanted;
      const images = (await pods()).map(pod => pod.spec.containers[0]?.image);
      return done && images.length === wanted && images.every(each => each === image) && deployment;
    },
    { seen: async () => ({ status: (await get()).status, sets: (await sets()).map(set => set.status) }) },
  );
}

const condition = (deployment: Deployment, type: string) =>
  deployment.status?.conditions?.find(each => each.type === type);

test('a Deployment gets its pods, spread over the nodes, and says that it is available', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  const deployment = await rolledOut('one');
  assert.equal(condition(deployment, 'Available')?.status, 'True');
  const finished = await eventually('the rollout is told to be over', async () => {
    const found = await get();
    return condition(found, 'Progressing')?.reason === 'NewReplicaSetAvailable' && found;
  });
  assert.equal(finished.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  assert.deepEqual(new Set((await pods()).map(pod => pod.spec.nodeName)).size, 3, 'one pod a node');
  for (const pod of await pods()) {
    const hash = pod.metadata.labels?.['pod-template-hash'] ?? '';
    assert.ok(pod.metadata.name.startsWith(`web-${hash}-`), `${pod.metadata.name} carries its hash ${hash}`);
  }
});

test('a new image replaces the pods, and undoing brings the old ReplicaSet back as a new revision', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await rolledOut('one');
  const [first] = await sets();
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('two') } }, MERGE);
  await rolledOut('two');
  assert.equal((await sets()).length, 2, 'the old ReplicaSet is kept for a rollback');
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('one') } }, MERGE);
  await rolledOut('one');
  const again = (await sets()).find(set => set.metadata.uid === first?.metadata.uid);
  assert.equal(again?.spec.replicas, 3, 'the first ReplicaSet runs again');
  assert.equal(again?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  assert.equal(again?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

test('a rollout whose pods do not get ready keeps enough old ones, and says that it is stuck', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('good', { replicas: 4, progressDeadlineSeconds: 2 }));
  await rolledOut('good');
  nodes.setReadiness(pod => pod.spec.containers[0]?.image === 'good');
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('bad') } }, MERGE);
  const stuck = await eventually('the deadline passes', async () => {
    const found = await get();
    return condition(found, 'Progressing')?.reason === 'ProgressDeadlineExceeded' && found;
  });
  assert.equal(condition(stuck, 'Progressing')?.status, 'False');
  assert.equal(condition(stuck, 'Available')?.status, 'True', 'three of four old pods still serve');
  const images = (await pods()).map(pod => pod.spec.containers[0]?.image);
  assert.deepEqual(images.filter(image => image === 'good').length, 3, '25 % of 4 may be unavailable');
  assert.deepEqual(images.filter(image => image === 'bad').length, 2, '25 % of 4 may come on top');
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('good') } }, MERGE);
  await rolledOut('good');
});

test('Recreate ends every old pod before the first new one is made', async () => {
  const strategy = { type: 'Recreate' } as const;
  await plane.client.create(DEPLOYMENTS, webDeployment('one', { strategy }));
  await rolledOut('one');
  const ended = new AbortController();
  const { resourceVersion } = await plane.client.list(PODS, { namespace: 'default' });
  const alive = new Set((await pods()).map(pod => pod.metadata.name));
  let together = false;
  const watching = (async () => {
    const events = plane.client.watch(PODS, { namespace: 'default', resourceVersion, signal: ended.signal });
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') alive.delete(event.object.metadata.name);
      if (event.type === 'ADDED' && alive.size > 0) together = true;
    }
  })().catch(() => undefined);
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('two') } }, MERGE);
  await rolledOut('two');
  ended.abort(new Error('seen enough'));
  await watching;
  assert.equal(together, false, 'an old and a new pod were there at the same time');
});

test('a paused Deployment can be scaled but does not roll out until it is resumed', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await rolledOut('one');
  const change = { spec: { paused: true, replicas: 5, template: webTemplate('two') } };
  await plane.client.patch(DEPLOYMENTS, WEB, change, MERGE);
  await eventually('it is scaled', async () => (await pods()).length === 5);
  assert.deepEqual(new Set((await pods()).map(pod => pod.spec.containers[0]?.image)), new Set(['one']));
  assert.equal(condition(await get(), 'Progressing')?.reason, 'DeploymentPaused');
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { paused: false } }, MERGE);
  await rolledOut('two');
});

test('only as many old ReplicaSets are kept as the history limit says', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('v0', { revisionHistoryLimit: 2 }));
  await rolledOut('v0');
  for (const image of ['v1', 'v2', 'v3', 'v4']) {
    await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate(image) } }, MERGE);
    await rolledOut(image);
  }
  await eventually('the oldest are deleted', async () => (await sets()).length === 3);
  const revisions = (await sets()).map(
    set => set.metadata.annotations?.['deployment.kubernetes.io/revision'],
  );
  assert.deepEqual(
    revisions.toSorted((a, b) => Number(a) - Number(b)),
    ['3', '4', '5'],
  );
});

test('a deleted pod is replaced, and scaling to zero removes all', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await rolledOut('one');
  const [victim] = await pods();
  await plane.client.delete(PODS, { namespace: 'default', name: victim!.metadata.name });
  await eventually('it is replaced', async () => {
    const now = await pods();
    return now.length === 3 && now.every(pod => pod.metadata.uid !== victim!.metadata.uid);
  });
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { replicas: 0 } }, MERGE);
  await eventually('nothing is left', async () => (await pods()).length === 0);
});

test('a ReplicaSet takes over a matching pod that nobody owns, and lets one go that matches no more', async () => {
  const labels = { app: 'web' };
  await plane.client.create(PODS, barePod('stray', {}, labels));
  await plane.client.create(REPLICA_SETS, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: webTemplate('one') },
  });
  const both = await eventually('two pods run', async () => {
    const now = await pods();
    return now.length === 2 && now.every(pod => pod.metadata.ownerReferences?.length === 1) && now;
  });
  assert.ok(
    both.some(pod => pod.metadata.name === 'stray'),
    'the stray pod counts',
  );
  const key = { namespace: 'default', name: 'stray' };
  await plane.client.patch(PODS, key, { metadata: { labels: { app: 'other' } } }, MERGE);
  await eventually('it is let go and replaced', async () => {
    const now = await pods();
    const stray = now.find(pod => pod.metadata.name === 'stray');
    return now.length === 3 && (stray?.metadata.ownerReferences ?? []).length === 0;
  });
});

test('the controllers start again in the middle of a rollout and finish it', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one', { replicas: 6 }));
  await rolledOut('one');
  await plane.client.patch(DEPLOYMENTS, WEB, { spec: { template: webTemplate('two') } }, MERGE);
  await plane.restartControllers();
  await rolledOut('two');
  assert.equal((await pods()).length, 6);
});

test('a pod that the server refuses is told on the ReplicaSet and the Deployment, and does not stop others', async () => {
  const refused = webDeployment('one');
  // A template that passes as a template, while no pod can be made of it: the name would be too long for a label.
  const template = {
    ...webTemplate('one'),
    metadata: { labels: { app: 'web' }, finalizers: ['not a finalizer'] },
  };
  const bad = { ...refused, metadata: { ...refused.metadata, name: 'bad' } };
  const created = await plane.client
    .create(DEPLOYMENTS, { ...bad, spec: { ...bad.spec, template } })
    .catch(() => undefined);
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await eventually('the good one is up', async () => (await get()).status?.availableReplicas === 3);
  if (created === undefined) return;
  await eventually('the failure is told', async () => {
    const found = await plane.client.get(DEPLOYMENTS, { namespace: 'default', name: 'bad' });
    return condition(found, 'ReplicaFailure')?.status === 'True';
  });
});
