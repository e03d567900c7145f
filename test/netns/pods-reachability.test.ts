import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { defaults } from '../../src/kernel/contract.ts';
import { TestCluster } from './pods-cluster.ts';
import type { TestPod } from './pods-cluster.ts';
import { echoServer, seenAs } from './pods-traffic.ts';

const families = [0, 1] as const;
const megabyte = 1 << 20;

/** From a place with the addresses `own`: the pod sees exactly them, in both families. */
async function reaches(
  context: TestContext,
  from: { readonly namespace: string; readonly addresses: readonly string[] },
  to: { readonly namespace: string; readonly addresses: readonly string[] },
  bytes = 0,
): Promise<void> {
  for (const family of families) {
    const host = to.addresses[family] ?? '';
    const port = await echoServer(context, to.namespace, host);
    const seen = await seenAs(from.namespace, host, port, bytes);
    assert.equal(seen, from.addresses[family], `${host} sees who connects`);
  }
}

for (const [name, links] of [
  ['on one link', [1, 1]],
  ['on two links', [1, 2]],
] as const) {
  test(`${name}, pods, nodes and the world reach each other as they should, in both families`, async context => {
    const cluster = new TestCluster(context, { links });
    const [one, two] = cluster.nodes;
    assert.ok(one && two);
    await cluster.startAgents();
    const first = await one.addPod('first');
    const second = await one.addPod('second');
    const remote = await two.addPod('remote');

    await context.test('pods of one node, with their own addresses', () =>
      reaches(context, first, second, megabyte),
    );
    await context.test('pods of two nodes, with their own addresses, also much at once', async () => {
      await reaches(context, first, remote, megabyte);
      await reaches(context, remote, first, megabyte);
    });
    await context.test('a pod itself', () => reaches(context, first, first));
    await context.test('a node its own pods, with its address', () => reaches(context, one, first));
    await context.test("a node another node's pods, with its address", () =>
      reaches(context, one, remote, megabyte),
    );
    await context.test('a pod its own node, with its address', () => reaches(context, first, one));
    await context.test('a pod another node, with its address', () => reaches(context, first, two, megabyte));
    await context.test("the world sees the pod's node, not the pod", async () => {
      for (const [node, pod] of [
        [one, first],
        [two, remote],
      ] as const) {
        for (const family of families) {
          const host = defaults.world[family];
          const port = await echoServer(context, cluster.world, host);
          assert.equal(await seenAs(pod.namespace, host, port, megabyte), node.addresses[family]);
        }
      }
    });
    await context.test('deleted pods leave nothing in the kernel', () => deleteAll([first, second, remote]));
  });
}

async function deleteAll(pods: readonly TestPod[]): Promise<void> {
  for (const pod of pods) {
    const outcome = await pod.node.plugin({
      command: 'DEL',
      containerId: pod.containerId,
      namespace: pod.namespace,
    });
    assert.equal(outcome.code, 0, outcome.stdout);
  }
  for (const node of new Set(pods.map(pod => pod.node))) {
    const status = await node.status();
    assert.equal(status.attachments, 0);
    assert.deepEqual(
      status.podPrefixes.map(prefix => prefix.taken),
      [0, 0],
    );
  }
}
