import { FairleadError } from '../../../base/errors.ts';
import { ApiError, isNotFound } from '../../../kube/api-error.ts';
import { PODS, keyOf, parseKey } from '../../../kube/resources.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { withCondition } from '../conditions.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { isTerminated, isTerminating } from '../pod-state.ts';
import { ClusterState } from './cluster-state.ts';
import { schedule } from './decide.ts';
import { podFacts } from './facts.ts';
import { nodeChangeMatters, podChangeMatters } from './relevant-changes.ts';

const SCHEDULER_NAME = 'default-scheduler';

/** Finds a node for every pod that has none, and tells on the pod why when there is none. */
export function startScheduler(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { namespaces, nodes, pods } = informers;
  const events = context.events.of(SCHEDULER_NAME);
  const state = new ClusterState(namespace => namespaces.cache.get(namespace)?.metadata.labels);
  /** Pods that no node would take: they wait for the cluster to change. */
  const unschedulable = new Set<string>();
  const queue = controllerQueue(context, 'scheduler', synchronize, 16);
  let arrived = new Set<string>();
  let flush: NodeJS.Immediate | undefined;

  const stop = [
    nodes.onChange(({ before, after }) => {
      if (after !== undefined) state.setNode(after);
      else if (before !== undefined) state.removeNode(before.metadata.name);
      if (nodeChangeMatters(before, after)) retryAll();
    }),
    namespaces.onChange(({ before, after }) => {
      if (before?.metadata.labels !== after?.metadata.labels) retryAll();
    }),
    pods.onChange(({ before, after }) => podChanged(before, after)),
  ];

  function podChanged(before: Pod | undefined, after: Pod | undefined): void {
    if (after === undefined) {
      if (before === undefined) return;
      const key = keyOf(before);
      state.removePod(key);
      unschedulable.delete(key);
      queue.forget(key);
    } else {
      state.setPod(after);
      if (isPending(after)) arrive(keyOf(after));
      else unschedulable.delete(keyOf(after));
    }
    if (podChangeMatters(before, after)) retryAll();
  }

  function retryAll(): void {
    for (const key of unschedulable) arrive(key);
  }

  /** Pods that become known together are taken by priority, then by age. */
  function arrive(key: string): void {
    arrived.add(key);
    flush ??= setImmediate(() => {
      const batch = [...arrived].map(each => pods.cache.get(each)).filter(pod => pod !== undefined);
      arrived = new Set();
      flush = undefined;
      for (const pod of batch.sort(byPriority)) queue.add(keyOf(pod));
    });
  }

  async function synchronize(key: string): Promise<void> {
    if (await isAlreadyBound(key)) return;
    const pod = pods.cache.get(key);
    if (pod === undefined || !isPending(pod)) return;
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length > 0) {
      const names = gates.map(gate => gate.name).join(', ');
      await report(pod, 'SchedulingGated', `Scheduling waits for the gates: ${names}.`);
      return;
    }
    const decision = schedule(podFacts(pod), state);
    if (decision.kind === 'bind') {
      await bind(pod, decision.node);
      return;
    }
    unschedulable.add(key);
    if (await report(pod, 'Unschedulable', decision.message)) {
      events.warning(pod, 'FailedScheduling', decision.message);
    }
  }

  async function bind(pod: Pod, node: string): Promise<void> {
    const key = keyOf(pod);
    const facts = podFacts(pod);
    state.assume(facts, node);
    unschedulable.delete(key);
    const { name, namespace, uid } = pod.metadata;
    try {
      await client.createSubresource(PODS, parseKey(key), 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      });
    } catch (error) {
      // Without a clear answer the binding may stand: the place stays taken until the next try has asked.
      if (error instanceof ApiError && error.status < 500) state.withdraw(key, facts.uid);
      if (isNotFound(error)) return; // deleted meanwhile
      throw bindingError(pod, node, error);
    }
    events.normal(pod, 'Scheduled', `Successfully assigned ${key} to ${node}`);
  }

  /** For a pod with an assumed place: the cache is late, or a binding had no answer. Only the API knows. */
  async function isAlreadyBound(key: string): Promise<boolean> {
    const assumed = state.assumed(key);
    if (assumed === undefined) return false;
    try {
      const live = await client.get(PODS, parseKey(key));
      if (live.metadata.uid === assumed.uid && (live.spec.nodeName ?? '') !== '') return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    state.withdraw(key, assumed.uid);
    return false;
  }

  /** Condition PodScheduled=False; the server adds True with the binding. Says whether it was news. */
  async function report(pod: Pod, reason: string, message: string): Promise<boolean> {
    const conditions = withCondition(pod.status?.conditions, {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime: timestampOf(clock.now()),
    });
    if (conditions === pod.status?.conditions) return false;
    const { resourceVersion, uid } = pod.metadata;
    const patch = { metadata: { resourceVersion, uid }, status: { conditions } };
    await client.patch(PODS, parseKey(keyOf(pod)), patch, { type: 'merge', subresource: 'status' });
    return true;
  }

  return {
    name: 'scheduler',
    close: async () => {
      for (const each of stop) each();
      if (flush !== undefined) clearImmediate(flush);
      await queue.close();
    },
  };
}

function isPending(pod: Pod): boolean {
  return (
    (pod.spec.nodeName ?? '') === '' &&
    (pod.spec.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME &&
    !isTerminated(pod) &&
    !isTerminating(pod)
  );
}

function byPriority(a: Pod, b: Pod): number {
  const priority = (b.spec.priority ?? 0) - (a.spec.priority ?? 0);
  if (priority !== 0) return priority;
  const age = (pod: Pod) => pod.metadata.creationTimestamp ?? '';
  if (age(a) === age(b)) return 0;
  return age(a) < age(b) ? -1 : 1;
}

function bindingError(pod: Pod, node: string, cause: unknown): FairleadError {
  return new FairleadError('controllers/binding-failed', `The pod could not be bound to node ${node}.`, {
    object: `Pod/${keyOf(pod)}`,
    cause,
  });
}
