import { isNotFound } from '../../../kube/api-error.ts';
import { NODES, PODS, keyOf, parseKey } from '../../../kube/resources.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { disrupt } from '../disruption.ts';
import { isTerminating } from '../pod-state.ts';
import { judge, surplusTerminated } from './decide.ts';

const SWEEP = '';
const SWEEP_MILLISECONDS = 20_000;

/** Removes pods that no node answers for, and ended pods when there are too many. */
export function startPodGarbage(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { nodes, pods } = informers;
  const deletedNodes = new Set<string>();
  /** Node name → since when pods name it although it is not there. */
  const missing = new Map<string, number>();
  const queue = controllerQueue(
    context,
    'pod-garbage',
    (key: string) => (key === SWEEP ? sweep() : synchronize(key)),
    4,
  );

  const stop = [
    nodes.onChange(({ before, after }) => {
      const name = (after ?? before)?.metadata.name ?? '';
      missing.delete(name);
      if (after !== undefined) {
        deletedNodes.delete(name);
        return;
      }
      deletedNodes.add(name);
      for (const pod of pods.cache.by('node', name)) queue.add(keyOf(pod));
    }),
    pods.onChange(({ after }) => {
      if (after === undefined) return;
      const node = after.spec.nodeName ?? '';
      if (node === '' ? isTerminating(after) : nodes.cache.get(node) === undefined) queue.add(keyOf(after));
    }),
  ];
  queue.addAfter(SWEEP, SWEEP_MILLISECONDS);

  async function synchronize(key: string): Promise<void> {
    const pod = pods.cache.get(key);
    if (pod === undefined) return;
    const node = pod.spec.nodeName ?? '';
    const now = clock.now();
    const nodeExists = nodes.cache.get(node) !== undefined;
    if (!nodeExists && node !== '' && !missing.has(node)) missing.set(node, now);
    const verdict = judge(pod, {
      nodeExists,
      nodeWasDeleted: deletedNodes.has(node),
      missingSince: missing.get(node) ?? now,
      now,
    });
    if (verdict.kind === 'wait') queue.addAfter(key, verdict.milliseconds);
    if (verdict.kind === 'remove' && (await isGone(pod))) {
      await disrupt(client, pod, { reason: 'DeletionByPodGC', message: verdict.message, force: true }, now);
    }
  }

  /** Force is for nodes that are certainly gone: the cache may be late to show a new one. */
  async function isGone(pod: Pod): Promise<boolean> {
    const name = pod.spec.nodeName ?? '';
    if (name === '') return true;
    try {
      await client.get(NODES, { name });
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }

  async function sweep(): Promise<void> {
    queue.addAfter(SWEEP, SWEEP_MILLISECONDS);
    for (const name of missing.keys()) {
      if (pods.cache.by('node', name).length === 0) missing.delete(name);
    }
    for (const name of deletedNodes) {
      if (pods.cache.by('node', name).length === 0) deletedNodes.delete(name);
    }
    for (const pod of surplusTerminated(pods.cache.list())) {
      const { uid } = pod.metadata;
      await client.delete(PODS, parseKey(keyOf(pod)), {
        gracePeriodSeconds: 0,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
    }
  }

  return {
    name: 'pod-garbage',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
