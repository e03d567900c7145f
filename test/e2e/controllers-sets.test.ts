/** StatefulSets and DaemonSets over nodes that only pretend to run pods. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS, STATEFUL_SETS } from '../../src/kube/resources.ts';
import type { DaemonSet, StatefulSet } from '../../src/kube/types/apps.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes, type PretendNodes } from './pretend-nodes.ts';
import { webTemplate } from './workload-objects.ts';

const MERGE = { type: 'merge' } as const;
const WEB = { namespace: 'default', name: 'web' };

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
  for (const resource of [STATEFUL_SETS, DAEMON_SETS])
    await plane.client.deleteCollection(resource, { namespace: 'default' });
  await plane.client.deleteCollection(PODS, { namespace: 'default' });
  await eventually('the last test leaves nothing', async () => {
    const found = await Promise.all([
      pods(true),
      plane.client.list(CONTROLLER_REVISIONS, { namespace: 'default' }).then(({ items }) => items),
    ]);
    return found.every(each => each.length === 0);
  });
});

async function pods(withTerminating = false): Promise<readonly Pod[]> {
  const { items } = await plane.client.list(PODS, { namespace: 'default' });
  return items
    .filter(pod => withTerminating || pod.metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

const imagesOf = async () => (await pods()).map(pod => pod.spec.containers[0]?.image);
const namesOf = async () => (await pods()).map(pod => pod.metadata.name);
const revisions = async () =>
  (await plane.client.list(CONTROLLER_REVISIONS, { namespace: 'default' })).items.toSorted(
    (a, b) => a.revision - b.revision,
  );

/** In the order of creation. */
async function seenInOrder(): Promise<readonly string[]> {
  const found = (await plane.client.list(PODS, { namespace: 'default' })).items;
  const version = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp ?? '');
  return found.toSorted((a, b) => version(a) - version(b)).map(pod => pod.metadata.name);
}

suite('StatefulSet', () => {
  const set = (image: string, spec: Partial<StatefulSet['spec']> = {}): StatefulSet => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: WEB,
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: webTemplate(image),
      ...spec,
    },
  });
  const get = () => plane.client.get(STATEFUL_SETS, WEB);
  const change = (spec: object) => plane.client.patch(STATEFUL_SETS, WEB, { spec }, MERGE);

  /** What `kubectl rollout status` waits for. */
  const rolledOut = (image: string, replicas = 3) =>
    eventually(
      `the StatefulSet rolls ${image} out`,
      async () => {
        const { metadata, status } = await get();
        const images = await imagesOf();
        return (
          (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
          (status?.readyReplicas ?? 0) === replicas &&
          status?.currentRevision === status?.updateRevision &&
          images.length === replicas &&
          images.every(each => each === image)
        );
      },
      { seen: async () => ({ status: (await get()).status, names: await namesOf() }) },
    );

  test('pods come one after the other, each with its place in name, host name and labels', async () => {
    nodes.setReadiness(pod => pod.metadata.name !== 'web-1');
    await plane.client.create(STATEFUL_SETS, set('one'));
    await eventually('web-1 is there', async () => (await namesOf()).includes('web-1'));
    await eventually('both are counted, and one of them is ready', async () => {
      const { status } = await get();
      return status?.readyReplicas === 1 && status.replicas === 2;
    });
    assert.deepEqual(await namesOf(), ['web-0', 'web-1'], 'web-2 waits for web-1');
    nodes.setReadiness(() => true);
    await rolledOut('one');
    const [pod] = await pods();
    assert.equal(pod?.spec.hostname, 'web-0');
    assert.equal(pod.spec.subdomain, 'web');
    assert.equal(pod.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'web-0');
    assert.equal(pod.metadata.labels['apps.kubernetes.io/pod-index'], '0');
    const { status } = await get();
    assert.equal(pod.metadata.labels['controller-revision-hash'], status?.currentRevision);
    assert.equal(status?.availableReplicas, 3);
  });

  test('a deleted pod comes back under its name, and scaling takes the highest', async () => {
    await plane.client.create(STATEFUL_SETS, set('one'));
    await rolledOut('one');
    const uid = (await pods())[1]?.metadata.uid;
    await plane.client.delete(PODS, { namespace: 'default', name: 'web-1' });
    await eventually('web-1 is another one', async () => {
      const found = (await pods()).find(pod => pod.metadata.name === 'web-1');
      return found !== undefined && found.metadata.uid !== uid;
    });
    await rolledOut('one');
    await change({ replicas: 1 });
    await eventually('web-0 is left', async () => (await namesOf()).join() === 'web-0');
    await change({ replicas: 2, ordinals: { start: 5 } });
    await eventually('the places begin at 5', async () => (await namesOf()).join() === 'web-5,web-6');
  });

  test('an update goes from the highest pod down to the partition, and waits for each', async () => {
    await plane.client.create(STATEFUL_SETS, set('one'));
    await rolledOut('one');
    await change({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    await change({ template: webTemplate('two') });
    await eventually('web-2 is updated', async () => (await imagesOf()).join() === 'one,one,two');
    const partly = await eventually('its status says so', async () => {
      const found = await get();
      return found.status?.updatedReplicas === 1 && found.status.readyReplicas === 3 && found;
    });
    assert.equal(partly.status?.currentReplicas, 2);
    await plane.client.delete(PODS, { namespace: 'default', name: 'web-0' });
    await eventually('web-0 keeps the old version', async () => {
      const found = (await pods())[0];
      return found?.metadata.name === 'web-0' && found.spec.containers[0]?.image === 'one';
    });
    nodes.setReadiness(pod => pod.metadata.name !== 'web-1' || pod.spec.containers[0]?.image === 'one');
    await change({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } });
    await eventually('web-1 is updated', async () => (await imagesOf()).join() === 'one,two,two');
    nodes.setReadiness(() => true);
    await rolledOut('two');
    const [first, second] = await revisions();
    assert.deepEqual([first?.revision, second?.revision], [1, 2]);
  });

  test('OnDelete leaves pods as they are, and an old template comes back as a new revision', async () => {
    await plane.client.create(STATEFUL_SETS, set('one', { updateStrategy: { type: 'OnDelete' } }));
    await eventually('all are ready', async () => (await get()).status?.readyReplicas === 3);
    await change({ template: webTemplate('two') });
    await eventually('the update is known', async () => {
      const { status } = await get();
      return status?.updateRevision !== status?.currentRevision;
    });
    await plane.client.delete(PODS, { namespace: 'default', name: 'web-0' });
    await eventually('only web-0 is new', async () => (await imagesOf()).join() === 'two,one,one');
    await change({ template: webTemplate('one') });
    await eventually('the first revision is the newest', async () => {
      const all = await revisions();
      return all.length === 2 && all.at(-1)?.revision === 3;
    });
  });

  test('Parallel makes and removes all at once', async () => {
    nodes.setReadiness(() => false);
    await plane.client.create(STATEFUL_SETS, set('one', { podManagementPolicy: 'Parallel', replicas: 4 }));
    await eventually('all are there, none is ready', async () => (await namesOf()).length === 4);
    await change({ replicas: 0 });
    await eventually('all are gone', async () => (await namesOf()).length === 0);
  });

  test('minReadySeconds holds the next pod back', async () => {
    await plane.client.create(STATEFUL_SETS, set('one', { minReadySeconds: 5, replicas: 2 }));
    const first = await eventually('web-0 is ready', async () => {
      const found = await get();
      return found.status?.readyReplicas === 1 && found;
    });
    assert.equal(first.status?.availableReplicas ?? 0, 0);
    assert.deepEqual(await namesOf(), ['web-0']);
    await eventually('web-1 follows', async () => (await namesOf()).length === 2);
  });

  test('an ended pod is made anew, and a restart of the controllers changes nothing', async () => {
    await plane.client.create(STATEFUL_SETS, set('one'));
    await rolledOut('one');
    const before = (await pods()).map(pod => pod.metadata.uid);
    await plane.restartControllers();
    await plane.client.patch(
      PODS,
      { namespace: 'default', name: 'web-2' },
      { status: { phase: 'Failed' } },
      { ...MERGE, subresource: 'status' },
    );
    await eventually('web-2 is another one', async () => {
      const found = (await pods())[2];
      return found?.metadata.name === 'web-2' && found.metadata.uid !== before[2];
    });
    await rolledOut('one');
    assert.deepEqual(
      (await pods()).slice(0, 2).map(pod => pod.metadata.uid),
      before.slice(0, 2),
    );
    assert.ok((await seenInOrder()).length === 3);
  });
});

suite('DaemonSet', () => {
  const set = (image: string, spec: Partial<DaemonSet['spec']> = {}): DaemonSet => ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: WEB,
    spec: { selector: { matchLabels: { app: 'web' } }, template: webTemplate(image), ...spec },
  });
  const get = () => plane.client.get(DAEMON_SETS, WEB);
  const change = (spec: object) => plane.client.patch(DAEMON_SETS, WEB, { spec }, MERGE);
  const nodesOf = async () => (await pods()).map(pod => pod.spec.nodeName ?? '').toSorted();

  /** What `kubectl rollout status` waits for. */
  const rolledOut = (image: string, count = 3) =>
    eventually(
      `the DaemonSet rolls ${image} out`,
      async () => {
        const { metadata, status } = await get();
        const images = await imagesOf();
        return (
          (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
          status?.updatedNumberScheduled === count &&
          status.numberAvailable === count &&
          images.length === count &&
          images.every(each => each === image)
        );
      },
      { seen: async () => ({ status: (await get()).status, nodes: await nodesOf() }) },
    );

  test('one pod runs on each node, also on one that is cordoned, and follows labels', async () => {
    await plane.client.patch(NODES, { name: 'node-2' }, { spec: { unschedulable: true } }, MERGE);
    await plane.client.create(DAEMON_SETS, set('one'));
    await rolledOut('one');
    assert.deepEqual(await nodesOf(), ['node-1', 'node-2', 'node-3']);
    const { status } = await get();
    assert.deepEqual(
      [status?.desiredNumberScheduled, status?.currentNumberScheduled, status?.numberMisscheduled],
      [3, 3, 0],
    );
    const template = webTemplate('one');
    const spec = { ...template.spec, nodeSelector: { disk: 'fast' } };
    await change({ template: { ...template, spec } });
    await eventually('no node has the label', async () => (await nodesOf()).length === 0);
    await plane.client.patch(NODES, { name: 'node-3' }, { metadata: { labels: { disk: 'fast' } } }, MERGE);
    await eventually('the labelled node gets it', async () => (await nodesOf()).join() === 'node-3');
    await plane.client.patch(NODES, { name: 'node-3' }, { metadata: { labels: { disk: null } } }, MERGE);
    await plane.client.patch(NODES, { name: 'node-2' }, { spec: { unschedulable: null } }, MERGE);
    await eventually('and loses it', async () => (await nodesOf()).length === 0);
  });

  test('a taint keeps it away, or drives it off, unless it is tolerated', async () => {
    const taints = (effect?: string) =>
      plane.client.patch(
        NODES,
        { name: 'node-1' },
        { spec: { taints: effect === undefined ? [] : [{ key: 'only', value: 'me', effect }] } },
        MERGE,
      );
    await taints('NoSchedule');
    await plane.client.create(DAEMON_SETS, set('one'));
    await rolledOut('one', 2);
    await taints();
    await rolledOut('one', 3);
    await taints('NoSchedule');
    await eventually('the pod that is there stays, misplaced', async () => {
      const { status } = await get();
      return status?.numberMisscheduled === 1 && (await nodesOf()).length === 3;
    });
    await taints('NoExecute');
    await eventually('it is driven off', async () => (await nodesOf()).join() === 'node-2,node-3');
    await taints();
    await rolledOut('one', 3);
  });

  test('an update replaces one pod after the other, and undoing makes a new revision', async () => {
    await plane.client.create(DAEMON_SETS, set('one'));
    await rolledOut('one');
    nodes.setReadiness(pod => pod.spec.containers[0]?.image === 'one');
    await change({ template: webTemplate('two') });
    await eventually('one node is updated', async () => {
      const images = await imagesOf();
      return images.length === 3 && images.filter(each => each === 'two').length === 1;
    });
    assert.equal((await get()).status?.numberUnavailable ?? 1, 1);
    nodes.setReadiness(() => true);
    await rolledOut('two');
    await change({ template: webTemplate('one') });
    await rolledOut('one');
    assert.deepEqual(
      (await revisions()).map(each => each.revision),
      [2, 3],
    );
  });

  test('with a surge the old pod goes only when the new one is available', async () => {
    const updateStrategy = {
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    } as const;
    await plane.client.create(DAEMON_SETS, set('one', { updateStrategy }));
    await rolledOut('one');
    nodes.setReadiness(pod => pod.spec.containers[0]?.image === 'one');
    await change({ template: webTemplate('two') });
    await eventually('one new pod stands beside its predecessor', async () => (await namesOf()).length === 4);
    assert.equal((await imagesOf()).filter(each => each === 'one').length, 3);
    nodes.setReadiness(() => true);
    await rolledOut('two');
  });

  test('an ended pod is replaced', async () => {
    await plane.client.create(DAEMON_SETS, set('one'));
    await rolledOut('one');
    const [pod] = await pods();
    const name = pod?.metadata.name ?? '';
    await plane.client.patch(
      PODS,
      { namespace: 'default', name },
      { status: { phase: 'Failed' } },
      { ...MERGE, subresource: 'status' },
    );
    await eventually('another one runs there', async () => {
      const found = (await pods()).filter(each => each.spec.nodeName === pod?.spec.nodeName);
      return found.length === 1 && found[0]?.metadata.name !== name;
    });
    await rolledOut('one');
  });
});
