import { isDeepStrictEqual } from 'node:util';
import { POD_DISRUPTION_BUDGETS, keyOf } from '../../../kube/resources.ts';
import { matchesSelector } from '../../../kube/selector.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { PodDisruptionBudget } from '../../../kube/types/disruption.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { controllerOf } from '../ownership.ts';
import { isReady, isTerminated, isTerminating } from '../pod-state.ts';
import { EVICTION_MILLISECONDS, statusOf } from './decide.ts';

/** Says how many pods of each PodDisruptionBudget may be evicted; evictions ask and count it down. */
export function startDisruptionBudgets(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { deployments, disruptionBudgets, jobs, pods, replicaSets, statefulSets } = informers;
  const queue = controllerQueue(context, 'disruption-budgets', synchronize, 4);

  const stop = [
    disruptionBudgets.onChange(({ after }) => {
      if (after !== undefined) queue.add(keyOf(after));
    }),
    pods.onChange(({ before, after }) => {
      if (podFacts(before) === podFacts(after)) return;
      for (const pod of [before, after]) for (const key of budgetsOf(pod)) queue.add(key);
    }),
    // The number that is wanted is part of a budget by percentage.
    ...[deployments, replicaSets, statefulSets].map(informer =>
      informer.onChange(({ before, after }) => {
        if (before?.spec.replicas === after?.spec.replicas) return;
        const namespace = (after ?? before)?.metadata.namespace ?? '';
        for (const budget of disruptionBudgets.cache.by('namespace', namespace)) queue.add(keyOf(budget));
      }),
    ),
  ];

  async function synchronize(key: string): Promise<void> {
    const budget = disruptionBudgets.cache.get(key);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return;
    const covered = pods.cache
      .by('namespace', budget.metadata.namespace ?? '')
      .filter(pod => covers(budget, pod));
    const status = statusOf({ budget, pods: covered, expected: expectedOf(covered), now: clock.now() });
    if (!isDeepStrictEqual(status, budget.status)) {
      // An eviction may have counted meanwhile: the version makes this a conflict then, and it is planned anew.
      await client.update(POD_DISRUPTION_BUDGETS, { ...budget, status }, { subresource: 'status' });
    }
    if (status.disruptedPods !== undefined) queue.addAfter(key, EVICTION_MILLISECONDS);
  }

  /** The replicas that the pods' owners ask for, each owner once. */
  function expectedOf(covered: readonly Pod[]): number | undefined {
    const wanted = new Map<string, number>();
    for (const pod of covered) {
      const owner = controllerOf(pod);
      if (owner === undefined) return undefined;
      if (wanted.has(owner.uid)) continue;
      const found = replicasOf(pod.metadata.namespace ?? '', owner);
      if (found === undefined) return undefined;
      wanted.set(found.uid, found.replicas);
    }
    let total = 0;
    for (const replicas of wanted.values()) total += replicas;
    return total;
  }

  /** Of the owner at the top: a Deployment's ReplicaSets count as the Deployment. */
  function replicasOf(
    namespace: string,
    owner: { readonly kind: string; readonly name: string; readonly uid: string },
  ): { readonly uid: string; readonly replicas: number } | undefined {
    const key = `${namespace}/${owner.name}`;
    switch (owner.kind) {
      case 'ReplicaSet': {
        const set = replicaSets.cache.get(key);
        const above = set === undefined ? undefined : controllerOf(set);
        const deployment =
          above?.kind === 'Deployment' ? deployments.cache.get(`${namespace}/${above.name}`) : undefined;
        if (deployment !== undefined)
          return { uid: deployment.metadata.uid ?? '', replicas: deployment.spec.replicas ?? 1 };
        return set === undefined ? undefined : { uid: owner.uid, replicas: set.spec.replicas ?? 1 };
      }
      case 'StatefulSet': {
        const set = statefulSets.cache.get(key);
        return set === undefined ? undefined : { uid: owner.uid, replicas: set.spec.replicas ?? 1 };
      }
      case 'Job': {
        const job = jobs.cache.get(key);
        return job === undefined ? undefined : { uid: owner.uid, replicas: job.spec.parallelism ?? 1 };
      }
      default:
        return undefined;
    }
  }

  function budgetsOf(pod: Pod | undefined): readonly string[] {
    if (pod === undefined) return [];
    return disruptionBudgets.cache
      .by('namespace', pod.metadata.namespace ?? '')
      .filter(budget => covers(budget, pod))
      .map(keyOf);
  }

  return {
    name: 'disruption-budgets',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

const covers = (budget: PodDisruptionBudget, pod: Pod): boolean =>
  budget.spec.selector !== undefined && matchesSelector(budget.spec.selector, pod.metadata.labels ?? {});

/** What of a pod counts in a budget. */
function podFacts(pod: Pod | undefined): string {
  if (pod === undefined) return '';
  return JSON.stringify([pod.metadata.labels, isReady(pod), isTerminating(pod), isTerminated(pod)]);
}
