import { isDeepStrictEqual } from 'node:util';
import { keyOf } from '../../../kube/resources.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { disrupt } from '../disruption.ts';
import { isActive } from '../pod-state.ts';
import { evictionTime } from './eviction.ts';

/** Deletes pods from nodes with NoExecute taints that they do not tolerate, or no longer. */
export function startTaintEviction(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { nodes, pods } = informers;
  const events = context.events.of('taint-eviction-controller');
  const queue = controllerQueue(context, 'taint-eviction', synchronize, 4);

  const stop = [
    pods.onChange(({ before, after }) => {
      if (after !== undefined) queue.add(keyOf(after));
      else if (before !== undefined) queue.forget(keyOf(before));
    }),
    nodes.onChange(({ before, after }) => {
      if (after === undefined || isDeepStrictEqual(before?.spec?.taints, after.spec?.taints)) return;
      for (const pod of pods.cache.by('node', after.metadata.name)) queue.add(keyOf(pod));
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const pod = pods.cache.get(key);
    if (pod === undefined || !isActive(pod)) return;
    const taints = nodes.cache.get(pod.spec.nodeName ?? '')?.spec?.taints ?? [];
    const now = clock.now();
    const time = evictionTime(pod, taints, now);
    if (time === undefined) return;
    if (time > now) {
      queue.addAfter(key, time - now);
      return;
    }
    events.normal(pod, 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const message = `The pod does not tolerate a taint of node ${pod.spec.nodeName ?? ''}.`;
    await disrupt(client, pod, { reason: 'DeletionByTaintManager', message, force: false }, now);
  }

  return {
    name: 'taint-eviction',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
