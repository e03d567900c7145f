import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { EVENTS, NODES, PODS } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';
import { barePod } from './workload-objects.ts';

const NAMESPACE = 'default';
const MERGE = { type: 'merge' } as const;

let plane: ControlPlane;
let nodes: PretendNodes;

before(async () => {
  plane = await startControlPlane();
  nodes = await startPretendNodes(plane.client, {
    names: ['node-1', 'node-2', 'node-3'],
    labels: name => ({ 'topology.kubernetes.io/zone': name === 'node-3' ? 'b' : 'a' }),
    allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
  });
});

after(async () => {
  await nodes[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

afterEach(async () => {
  await plane.client.deleteCollection(PODS, { namespace: NAMESPACE });
  await eventually('the test leaves no pods', async () => (await list()).length === 0);
});

async function list(): Promise<readonly Pod[]> {
  return (await plane.client.list(PODS, { namespace: NAMESPACE })).items;
}

function scheduled(name: string): Promise<string> {
  return eventually(`${name} gets a node`, async () => {
    const pod = await plane.client.get(PODS, { namespace: NAMESPACE, name });
    return pod.spec.nodeName;
  });
}

function refused(name: string): Promise<string> {
  return eventually(`${name} is told that nothing fits`, async () => {
    const pod = await plane.client.get(PODS, { namespace: NAMESPACE, name });
    const condition = pod.status?.conditions?.find(each => each.type === 'PodScheduled');
    return condition?.status === 'False' && condition.reason === 'Unschedulable' && condition.message;
  });
}

test('a pod that fits nowhere says why, in the words of the real scheduler, and runs once it fits', async () => {
  const spec = { nodeSelector: { disk: 'ssd' } };
  await plane.client.create(PODS, barePod('picky', spec));
  assert.equal(
    await refused('picky'),
    "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
  );
  const event = await eventually('an Event tells it', async () => {
    const { items } = await plane.client.list(EVENTS, { namespace: NAMESPACE });
    return items.find(each => each.reason === 'FailedScheduling' && each.involvedObject.name === 'picky');
  });
  assert.equal(event.type, 'Warning');
  assert.equal(event.source?.component, 'default-scheduler');
  await plane.client.patch(NODES, { name: 'node-2' }, { metadata: { labels: { disk: 'ssd' } } }, MERGE);
  assert.equal(await scheduled('picky'), 'node-2');
  await plane.client.patch(NODES, { name: 'node-2' }, { metadata: { labels: { disk: null } } }, MERGE);
});

test('a pod that waits for room gets the room of a pod that goes', async () => {
  const big = (name: string) =>
    barePod(name, {
      containers: [{ name: 'main', image: 'pause', resources: { requests: { cpu: '1500m' } } }],
    });
  for (const name of ['a', 'b', 'c', 'd']) await plane.client.create(PODS, big(name));
  const waiting = await eventually('three of four fit', async () => {
    const pods = await list();
    const left = pods.filter(pod => pod.spec.nodeName === undefined);
    return left.length === 1 && left[0];
  });
  assert.equal(await refused(waiting.metadata.name), '0/3 nodes are available: 3 Insufficient cpu.');
  const leaver = (await list()).find(pod => pod.spec.nodeName !== undefined)!;
  await plane.client.delete(PODS, { namespace: NAMESPACE, name: leaver.metadata.name });
  assert.equal(await scheduled(waiting.metadata.name), leaver.spec.nodeName);
});

test('cordoned and tainted nodes take no new pods, and the cordon shows as a taint', async () => {
  await plane.client.patch(NODES, { name: 'node-1' }, { spec: { unschedulable: true } }, MERGE);
  await eventually('the cordon shows', async () => {
    const node = await plane.client.get(NODES, { name: 'node-1' });
    return node.spec?.taints?.some(taint => taint.key === 'node.kubernetes.io/unschedulable');
  });
  const taints = [{ key: 'for', value: 'databases', effect: 'NoSchedule' }];
  await plane.client.patch(NODES, { name: 'node-2' }, { spec: { taints } }, MERGE);
  for (const name of ['a', 'b']) await plane.client.create(PODS, barePod(name));
  assert.deepEqual([await scheduled('a'), await scheduled('b')], ['node-3', 'node-3']);
  await plane.client.create(
    PODS,
    barePod('tolerant', { tolerations: [{ key: 'for', operator: 'Equal', value: 'databases' }] }),
  );
  assert.equal(await scheduled('tolerant'), 'node-2', 'the emptiest node that it tolerates');
  await plane.client.patch(NODES, { name: 'node-3' }, { spec: { unschedulable: true } }, MERGE);
  await plane.client.create(PODS, barePod('nowhere'));
  assert.equal(
    await refused('nowhere'),
    '0/3 nodes are available: 1 node(s) had untolerated taint {for: databases}, 2 node(s) were unschedulable.',
  );
  for (const name of ['node-1', 'node-3']) {
    await plane.client.patch(NODES, { name }, { spec: { unschedulable: null } }, MERGE);
  }
  await plane.client.patch(NODES, { name: 'node-2' }, { spec: { taints: null } }, MERGE);
  await scheduled('nowhere');
  await eventually('no node has a taint left', async () => {
    const { items } = await plane.client.list(NODES);
    return items.every(node => (node.spec?.taints ?? []).length === 0);
  });
});

test('pods that shun each other take one node each, and the fourth waits', async () => {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } };
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  const names = ['db-0', 'db-1', 'db-2', 'db-3'];
  for (const name of names) await plane.client.create(PODS, barePod(name, { affinity }, { app: 'db' }));
  const placed = await eventually('three are placed', async () => {
    const on = (await list()).map(pod => pod.spec.nodeName).filter(node => node !== undefined);
    return on.length === 3 && on;
  });
  assert.equal(new Set(placed).size, 3);
  const last = (await list()).find(pod => pod.spec.nodeName === undefined)!;
  assert.equal(
    await refused(last.metadata.name),
    "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
  );
});

test('a spread constraint keeps the zones even', async () => {
  const topologySpreadConstraints = [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app: 'even' } },
    },
  ];
  const names = ['e1', 'e2', 'e3', 'e4', 'e5', 'e6'];
  for (const name of names) {
    await plane.client.create(PODS, barePod(name, { topologySpreadConstraints }, { app: 'even' }));
  }
  const on: string[] = [];
  for (const name of names) on.push(await scheduled(name));
  assert.equal(on.filter(node => node === 'node-3').length, 3, `three of six in zone b: ${on.join(', ')}`);
});

test('two pods never get the same port of a node', async () => {
  const ports = [{ containerPort: 80, hostPort: 8080 }];
  const spec = { containers: [{ name: 'main', image: 'pause', ports }] };
  for (const name of ['p1', 'p2', 'p3', 'p4']) await plane.client.create(PODS, barePod(name, spec));
  const waiting = await eventually('one waits', async () => {
    const left = (await list()).filter(pod => pod.spec.nodeName === undefined);
    return left.length === 1 && left[0];
  });
  assert.equal(
    await refused(waiting.metadata.name),
    "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.",
  );
});

test('a gated pod waits for its gates', async () => {
  await plane.client.create(PODS, barePod('gated', { schedulingGates: [{ name: 'example.com/quota' }] }));
  await eventually('the gate is told', async () => {
    const pod = await plane.client.get(PODS, { namespace: NAMESPACE, name: 'gated' });
    const condition = pod.status?.conditions?.find(each => each.type === 'PodScheduled');
    return condition?.reason === 'SchedulingGated';
  });
  await plane.client.patch(
    PODS,
    { namespace: NAMESPACE, name: 'gated' },
    { spec: { schedulingGates: null } },
    MERGE,
  );
  await scheduled('gated');
});

test('a hundred pods are placed evenly in well under a second', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `many-${index}`);
  const began = performance.now();
  await Promise.all(names.map(name => plane.client.create(PODS, barePod(name))));
  await eventually('all have a node', async () =>
    (await list()).every(pod => pod.spec.nodeName !== undefined),
  );
  const took = performance.now() - began;
  const placed = await list();
  const counts = ['node-1', 'node-2', 'node-3'].map(
    node => placed.filter(pod => pod.spec.nodeName === node).length,
  );
  assert.ok(took < 5000, `took ${Math.round(took)} ms, creation included`);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `pods a node: ${counts.join(', ')}`);
});
