import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEPLOYMENTS, NODES, PODS } from '../../src/kube/resources.ts';
import type { Node, Pod } from '../../src/kube/types/core.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';
import { ShiftedClock } from './shifted-clock.ts';
import { barePod, webDeployment } from './workload-objects.ts';

const NAMESPACE = 'default';

let plane: ControlPlane;
let nodes: PretendNodes;
let clock: ShiftedClock;

before(async () => {
  clock = new ShiftedClock();
  plane = await startControlPlane({ clock });
  nodes = await startPretendNodes(plane.client, {
    names: ['node-1', 'node-2', 'node-3'],
    heartbeatMilliseconds: 100,
    now: () => clock.now(),
  });
});

after(async () => {
  await nodes[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

const node = (name: string): Promise<Node> => plane.client.get(NODES, { name });

async function pods(): Promise<readonly Pod[]> {
  return (await plane.client.list(PODS, { namespace: NAMESPACE })).items;
}

const readiness = (object: Node | Pod): string | undefined =>
  object.status?.conditions?.find(each => each.type === 'Ready')?.status;

const taintsOf = async (name: string): Promise<readonly string[]> =>
  ((await node(name)).spec?.taints ?? []).map(taint => `${taint.key}:${taint.effect}`).sort();

/** Time passes in steps that are far shorter than the grace, so that nodes that beat stay well. */
async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 5) {
    clock.advance(Math.min(left, 5) * 1000);
    await nodes.beat();
  }
}

/** Time passes until something has happened: when a controller began to count is for it to say. */
function eventuallyWithTime(what: string, probe: () => Promise<boolean>): Promise<boolean> {
  return eventually(what, async () => {
    await pass(10);
    return probe();
  });
}

test('a node that falls silent is unknown, its pods are not ready and leave after their time, and it can come back', async () => {
  await plane.client.create(DEPLOYMENTS, webDeployment('one'));
  await eventually('three pods are ready, one a node', async () => {
    const all = await pods();
    const on = new Set(all.map(pod => pod.spec.nodeName));
    return on.size === 3 && all.every(pod => readiness(pod) === 'True');
  });
  const lost = (await pods()).find(pod => pod.spec.nodeName === 'node-2')!;
  const key = { namespace: NAMESPACE, name: lost.metadata.name };

  nodes.silence('node-2');
  await pass(30);
  assert.equal(readiness(await node('node-2')), 'True', 'half a minute of silence is nothing');
  await eventuallyWithTime('the node is unknown', async () => readiness(await node('node-2')) === 'Unknown');
  await eventually('it is tainted', async () => (await taintsOf('node-2')).length === 2);
  assert.deepEqual(await taintsOf('node-2'), [
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ]);
  await eventually(
    'its pod is not ready',
    async () => readiness(await plane.client.get(PODS, key)) === 'False',
  );
  assert.equal(
    (await plane.client.get(PODS, key)).metadata.deletionTimestamp,
    undefined,
    'it may still stay',
  );

  await pass(200);
  assert.equal(
    (await plane.client.get(PODS, key)).metadata.deletionTimestamp,
    undefined,
    'five minutes are its due',
  );
  await eventuallyWithTime('its pod is told to go', async () => {
    const pod = await plane.client.get(PODS, key);
    return pod.metadata.deletionTimestamp !== undefined;
  });
  const target = (await plane.client.get(PODS, key)).status?.conditions?.find(
    condition => condition.type === 'DisruptionTarget',
  );
  assert.equal(target?.reason, 'DeletionByTaintManager');
  await eventually('it is replaced elsewhere', async () => {
    const others = (await pods()).filter(pod => pod.spec.nodeName !== 'node-2' && readiness(pod) === 'True');
    return others.length === 3;
  });

  await nodes.wake('node-2');
  await eventually('the node is well again', async () => readiness(await node('node-2')) === 'True');
  await eventually('its taints are gone', async () => (await taintsOf('node-2')).length === 0);
  await eventually('the old pod has ended', async () => (await pods()).length === 3);
  await plane.client.delete(DEPLOYMENTS, { namespace: NAMESPACE, name: 'web' });
  await eventually('nothing is left', async () => (await pods()).length === 0);
});

test('when every node falls silent, pods stay where they are', async () => {
  await plane.client.create(PODS, barePod('steady', { nodeName: 'node-1' }));
  await eventually('it is ready', async () => (await pods()).some(pod => readiness(pod) === 'True'));
  for (const name of ['node-1', 'node-2', 'node-3']) nodes.silence(name);
  clock.advance(60_000);
  for (const name of ['node-1', 'node-2', 'node-3']) {
    await eventually(`${name} is unknown`, async () => readiness(await node(name)) === 'Unknown');
  }
  await eventually('none is told to evict', async () => {
    const all = await Promise.all(['node-1', 'node-2', 'node-3'].map(taintsOf));
    return all.every(taints => taints.join() === 'node.kubernetes.io/unreachable:NoSchedule');
  });
  clock.advance(600_000);
  await plane.restartControllers();
  assert.deepEqual((await pods()).map(readiness), ['True'], 'its Services keep sending to it');
  for (const name of ['node-1', 'node-2', 'node-3']) await nodes.wake(name);
  await eventually('all taints go', async () => {
    const all = await Promise.all(['node-1', 'node-2', 'node-3'].map(taintsOf));
    return all.every(taints => taints.length === 0);
  });
  await plane.client.delete(PODS, { namespace: NAMESPACE, name: 'steady' });
  await eventually('nothing is left', async () => (await pods()).length === 0);
});

test('a NoExecute taint moves pods away, those that tolerate it for a while later', async () => {
  const taint = { key: 'maintenance', effect: 'NoExecute' as const };
  const tolerations = [{ ...taint, operator: 'Exists' as const, tolerationSeconds: 60 }];
  await plane.client.create(PODS, barePod('leaves', { nodeName: 'node-3' }));
  await plane.client.create(PODS, barePod('lingers', { nodeName: 'node-3', tolerations }));
  await plane.client.create(
    PODS,
    barePod('stays', { nodeName: 'node-3', tolerations: [{ operator: 'Exists' }] }),
  );
  await eventually('all run', async () => (await pods()).every(pod => readiness(pod) === 'True'));
  await plane.client.patch(NODES, { name: 'node-3' }, { spec: { taints: [taint] } }, { type: 'merge' });
  const names = async () => (await pods()).map(pod => pod.metadata.name).sort();
  await eventually('one leaves at once', async () => (await names()).join() === 'lingers,stays');
  await eventuallyWithTime('the second after its time', async () => (await names()).join() === 'stays');
  await plane.client.patch(NODES, { name: 'node-3' }, { spec: { taints: null } }, { type: 'merge' });
  await plane.client.delete(PODS, { namespace: NAMESPACE, name: 'stays' });
  await eventually('nothing is left', async () => (await pods()).length === 0);
});

test('pods of a deleted node are removed without anybody ending them', async () => {
  await plane.client.create(PODS, barePod('stranded', { nodeName: 'node-3' }));
  await eventually('it runs', async () => (await pods()).some(pod => readiness(pod) === 'True'));
  nodes.silence('node-3');
  await plane.client.delete(NODES, { name: 'node-3' });
  await eventually('it is removed', async () => (await pods()).length === 0);
});

test('a pod that names a node that never was waits a while for it, then goes', async () => {
  await plane.client.create(PODS, barePod('early', { nodeName: 'node-9' }));
  await pass(30);
  assert.equal((await pods()).length, 1, 'the node may be about to register');
  await eventuallyWithTime('it is removed', async () => (await pods()).length === 0);
});
