import { NODES, PODS, keyOf, parseKey } from '../../../kube/resources.ts';
import type { Node, Pod, PodCondition } from '../../../kube/types/core.ts';
import { conditionOf, withCondition } from '../conditions.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { NODE_LEASE_NAMESPACE } from '../names.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { isReady } from '../pod-state.ts';
import { assess, isWell } from './decide.ts';

/** Watches over the nodes' heartbeats, and writes what they mean: conditions, taints, pods that are not ready. */
export function startNodeLifecycle(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { leases, nodes, pods } = informers;
  const events = context.events.of('node-controller');
  const watchingSince = clock.now();
  const queue = controllerQueue(context, 'nodes', synchronize, 4);

  const stop = [
    nodes.onChange(({ before, after }) => {
      if (after !== undefined) queue.add(after.metadata.name);
      // Whether pods of lost nodes are evicted depends on whether any node is well.
      if (isNodeReady(before) !== isNodeReady(after))
        for (const node of nodes.cache.list()) queue.add(node.metadata.name);
    }),
    leases.onChange(({ after }) => {
      if (after !== undefined) queue.add(after.metadata.name);
    }),
  ];

  async function synchronize(name: string): Promise<void> {
    const node = nodes.cache.get(name);
    if (node === undefined || node.metadata.deletionTimestamp !== undefined) return;
    const now = clock.now();
    const pulse = (of: Node) => ({
      node: of,
      lease: leases.cache.get(`${NODE_LEASE_NAMESPACE}/${of.metadata.name}`),
      watchingSince,
      now,
    });
    const someWell = nodes.cache.list().some(other => isWell(pulse(other)));
    const found = assess({ ...pulse(node), someWell });
    const latest = await writeConditions(node, found.conditions);
    await writeTaints(latest, node.spec?.taints, found.taints);
    if (found.lost) await markPodsNotReady(name);
    if (found.again !== undefined) queue.addAfter(name, found.again);
  }

  async function writeConditions(
    node: Node,
    conditions: NonNullable<NonNullable<Node['status']>['conditions']>,
  ): Promise<Node> {
    if (
      node.status?.conditions === undefined ? conditions.length === 0 : conditions === node.status.conditions
    ) {
      return node;
    }
    const { uid, resourceVersion } = node.metadata;
    const patch = { metadata: { uid, resourceVersion }, status: { conditions } };
    events.warning(node, 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
    return client.patch(NODES, { name: node.metadata.name }, patch, { type: 'merge', subresource: 'status' });
  }

  async function writeTaints(
    node: Node,
    before: readonly object[] | undefined,
    taints: readonly object[],
  ): Promise<void> {
    if (before === undefined ? taints.length === 0 : taints === before) return;
    const { uid, resourceVersion } = node.metadata;
    const patch = { metadata: { uid, resourceVersion }, spec: { taints } };
    await client.patch(NODES, { name: node.metadata.name }, patch, { type: 'merge' });
  }

  /** So that Services stop sending to them. The node's runtime tells the truth again when it is back. */
  async function markPodsNotReady(node: string): Promise<void> {
    for (const pod of pods.cache.by('node', node)) {
      if (isReady(pod)) await markNotReady(pod);
    }
  }

  async function markNotReady(pod: Pod): Promise<void> {
    const ready = conditionOf(pod.status?.conditions, 'Ready');
    if (ready === undefined) return;
    const conditions: readonly PodCondition[] = withCondition(pod.status?.conditions, {
      ...ready,
      status: 'False',
      reason: 'NodeNotReady',
      lastTransitionTime: timestampOf(clock.now()),
    });
    const { uid, resourceVersion } = pod.metadata;
    const patch = { metadata: { uid, resourceVersion }, status: { conditions } };
    events.warning(pod, 'NodeNotReady', 'Node is not ready');
    await client.patch(PODS, parseKey(keyOf(pod)), patch, { type: 'merge', subresource: 'status' });
  }

  return {
    name: 'nodes',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

function isNodeReady(node: Node | undefined): boolean {
  return conditionOf(node?.status?.conditions, 'Ready')?.status === 'True';
}
