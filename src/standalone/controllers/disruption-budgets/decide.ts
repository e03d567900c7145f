import { scaledValue } from '../../../kube/int-or-string.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../../kube/types/disruption.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { withCondition } from '../conditions.ts';
import { isActive, isReady, isTerminating, timeOf } from '../pod-state.ts';

/** An eviction that was allowed and did not happen by then is taken back. */
export const EVICTION_MILLISECONDS = 120_000;

export interface BudgetView {
  readonly budget: PodDisruptionBudget;
  /** Pods that its selector matches. */
  readonly pods: readonly Pod[];
  /**
   * How many pods the owners of those pods want together; undefined when one of them cannot be asked: then a budget
   * that needs the number allows nothing.
   */
  readonly expected: number | undefined;
  readonly now: number;
}

/** status of a budget: how many of its pods may be evicted now. */
export function statusOf(view: BudgetView): PodDisruptionBudgetStatus {
  const { budget, now } = view;
  const counts = countsOf(view);
  const disrupted = disruptedPods(view);
  const healthy = view.pods.filter(
    pod => isActive(pod) && isReady(pod) && (disrupted[pod.metadata.name] ?? undefined) === undefined,
  ).length;
  const { expected, desired } = counts;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  return {
    conditions: withCondition(budget.status?.conditions, {
      type: 'DisruptionAllowed',
      status: allowed > 0 ? 'True' : 'False',
      reason: counts.failed ? 'SyncFailed' : allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: counts.failed ? 'a pod has no owner that says how many there should be' : '',
      lastTransitionTime: timestampOf(now),
      ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
    }),
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: counts.failed ? 0 : allowed,
    expectedPods: expected,
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
  };
}

function countsOf(view: BudgetView): {
  readonly expected: number;
  readonly desired: number;
  readonly failed: boolean;
} {
  const { minAvailable, maxUnavailable } = view.budget.spec;
  const present = view.pods.filter(isActive).length;
  if (maxUnavailable === undefined && typeof minAvailable === 'number')
    return { expected: present, desired: minAvailable, failed: false };
  if (view.expected === undefined) return { expected: present, desired: present, failed: true };
  const { expected } = view;
  if (maxUnavailable !== undefined)
    return {
      expected,
      desired: Math.max(0, expected - (scaledValue(maxUnavailable, expected, 'up') ?? 0)),
      failed: false,
    };
  const desired =
    minAvailable === undefined ? expected : (scaledValue(minAvailable, expected, 'up') ?? expected);
  return { expected, desired, failed: false };
}

/** Evictions that are under way: until the pod is seen to go, or was not evicted after all. */
function disruptedPods(view: BudgetView): Readonly<Record<string, string>> {
  const alive = new Map(view.pods.map(pod => [pod.metadata.name, pod]));
  const kept = Object.entries(view.budget.status?.disruptedPods ?? {}).filter(([name, since]) => {
    const pod = alive.get(name);
    const at = timeOf(since) ?? 0;
    return pod !== undefined && !isTerminating(pod) && at + EVICTION_MILLISECONDS > view.now;
  });
  return Object.fromEntries(kept);
}
