import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { conditionOf, withCondition, withoutCondition } from '../conditions.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { isActive, isReady, millisecondsUntilAvailable, untilNextAvailable } from '../pod-state.ts';
import { rankForDeletion } from './ranking.ts';

/** More than this is never created or deleted in one pass, so that a mistaken count does not flood the cluster. */
const BURST = 500;

export interface Plan {
  /** How many pods to create. */
  readonly create: number;
  /** Which pods to delete, the first ones first. */
  readonly remove: readonly Pod[];
}

export interface Claimed {
  readonly set: ReplicaSet;
  /** All pods that the set owns and that match its selector, ended and terminating ones included. */
  readonly pods: readonly Pod[];
  /** Pods that were created and that the cache does not show yet. */
  readonly unseenCreations: number;
  /** Uids of pods whose deletion was asked for, though the cache may still show them alive. */
  readonly deleted: ReadonlySet<string>;
  readonly neighbours: (pod: Pod) => number;
  readonly now: number;
}

/** What brings the number of active pods to spec.replicas. A set that is being deleted is left to garbage collection. */
export function plan(claimed: Claimed): Plan {
  if (claimed.set.metadata.deletionTimestamp !== undefined) return { create: 0, remove: [] };
  const active = claimed.pods.filter(pod => isActive(pod) && !claimed.deleted.has(pod.metadata.uid ?? ''));
  const wanted = claimed.set.spec.replicas ?? 1;
  const missing = wanted - active.length - claimed.unseenCreations;
  if (missing > 0) return { create: Math.min(missing, BURST), remove: [] };
  const surplus = Math.min(active.length - wanted, BURST);
  if (surplus <= 0) return { create: 0, remove: [] };
  return { create: 0, remove: rankForDeletion(active, claimed.neighbours, claimed.now).slice(0, surplus) };
}

export type Failure = { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string };

/** The status that the pods make. `failure` is what went wrong in this pass: it stands as condition ReplicaFailure. */
export function statusOf(
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: Failure | undefined,
  now: number,
): ReplicaSetStatus {
  const active = pods.filter(isActive);
  const template = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const minReady = set.spec.minReadySeconds ?? 0;
  const labelled = active.filter(pod =>
    template.every(([key, value]) => pod.metadata.labels?.[key] === value),
  );
  const conditions = conditionsOf(set, failure, now);
  return {
    replicas: active.length,
    ...positive('fullyLabeledReplicas', labelled.length),
    ...positive('readyReplicas', active.filter(isReady).length),
    ...positive(
      'availableReplicas',
      active.filter(pod => millisecondsUntilAvailable(pod, minReady, now) === 0).length,
    ),
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** When time alone makes another pod available: milliseconds from now; undefined = never. */
export function nextAvailability(set: ReplicaSet, pods: readonly Pod[], now: number): number | undefined {
  return untilNextAvailable(pods.filter(isActive), set.spec.minReadySeconds ?? 0, now);
}

function conditionsOf(
  set: ReplicaSet,
  failure: Failure | undefined,
  now: number,
): readonly ReplicaSetCondition[] {
  const before = set.status?.conditions;
  if (failure === undefined) return withoutCondition(before, 'ReplicaFailure');
  // The first failure's sentence stays: a retry's would be a new write each time.
  if (conditionOf(before, 'ReplicaFailure')?.reason === failure.reason) return before ?? [];
  return withCondition(before, {
    type: 'ReplicaFailure',
    status: 'True',
    reason: failure.reason,
    message: failure.message,
    lastTransitionTime: timestampOf(now),
  });
}

/** A count that is 0 is left out, as the API's own types do. */
function positive(field: string, count: number): object {
  return count === 0 ? {} : { [field]: count };
}
