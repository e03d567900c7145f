import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PODS } from '../../src/kube/resources.ts';
import { withoutKubectl } from './cluster.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually, startPretendNodes } from './pretend-nodes.ts';
import type { PretendNodes } from './pretend-nodes.ts';

// An unmodified kubectl, as people use it on workloads.
const skip = withoutKubectl;

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

/** Its caches go into the test's own directory. */
async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('kubectl', args, {
    env: { PATH: process.env['PATH'], HOME: dirname(plane.kubeconfig), KUBECONFIG: plane.kubeconfig },
    timeout: 30_000,
  });
  return stdout;
}

test('kubectl follows a rollout, its history, and its undoing', { skip }, async () => {
  await kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=3');
  assert.match(
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=15s'),
    /successfully rolled out/,
  );
  await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=15s');
  await kubectl('set', 'image', 'deployment/web', 'web=web:2');
  await kubectl('annotate', 'deployment/web', 'kubernetes.io/change-cause=second edition');
  assert.match(
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=15s'),
    /successfully rolled out/,
  );
  await eventually('the history names the cause', async () =>
    /^2\s+second edition$/m.test(await kubectl('rollout', 'history', 'deployment/web')),
  );
  await kubectl('rollout', 'undo', 'deployment/web');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
  const images = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={..containers[0].image}');
  assert.deepEqual(new Set(images.split(' ')), new Set(['web:1']));
  await kubectl('rollout', 'restart', 'deployment/web');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=15s');
  await kubectl('scale', 'deployment/web', '--replicas=5');
  await kubectl('wait', '--for=jsonpath={.status.readyReplicas}=5', 'deployment/web', '--timeout=15s');
  await kubectl('delete', 'deployment', 'web', '--cascade=foreground', '--timeout=15s');
  const { items } = await plane.client.list(PODS, { namespace: 'default' });
  assert.deepEqual(items, [], 'in the foreground the pods go first');
});

test('kubectl shows why a pod is not scheduled', { skip }, async () => {
  await kubectl('run', 'picky', '--image=pause', '--overrides={"spec":{"nodeSelector":{"disk":"ssd"}}}');
  await eventually('describe tells it', async () =>
    (await kubectl('describe', 'pod', 'picky')).includes(
      "default-scheduler  0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
    ),
  );
  await kubectl('delete', 'pod', 'picky', '--timeout=15s');
});

test('kubectl drains a node: its pods move, and uncordon brings it back', { skip }, async () => {
  await kubectl('create', 'deployment', 'moving', '--image=web', '--replicas=3');
  await kubectl('rollout', 'status', 'deployment/moving', '--timeout=15s');
  await kubectl('drain', 'node-2', '--timeout=15s');
  await kubectl('rollout', 'status', 'deployment/moving', '--timeout=15s');
  const on = await kubectl('get', 'pods', '-l', 'app=moving', '-o', 'jsonpath={..nodeName}');
  assert.ok(!on.includes('node-2'), on);
  await kubectl('uncordon', 'node-2');
  await eventually(
    'its taint goes',
    async () => !(await kubectl('describe', 'node', 'node-2')).includes('unschedulable:'),
  );
  await kubectl('delete', 'deployment', 'moving');
});

test('kubectl delete namespace waits until everything is gone', { skip }, async () => {
  await kubectl('create', 'namespace', 'shop');
  await kubectl('-n', 'shop', 'create', 'deployment', 'web', '--image=web', '--replicas=2');
  await kubectl('-n', 'shop', 'rollout', 'status', 'deployment/web', '--timeout=15s');
  await kubectl('delete', 'namespace', 'shop', '--timeout=15s');
  assert.equal(await kubectl('get', 'pods,deployments', '-n', 'shop', '-o', 'name'), '');
});
