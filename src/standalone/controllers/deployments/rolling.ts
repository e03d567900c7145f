import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { availableOf, boundsOf, desiredReplicas, isRecreate, replicasOf } from './strategy.ts';

/** How many replicas a ReplicaSet is to have from now on. */
export interface Scale {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/**
 * The next step of a rollout towards `current`: up as far as the surge allows, and when that is done, the old ones down
 * as far as enough pods stay available. Empty = nothing to do until pods change.
 */
export function nextScales(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Scale[] {
  const up = scaleCurrent(deployment, current, old);
  return up === undefined ? scaleOld(deployment, current, old) : [up];
}

/** Recreate: the new pods start when all old ones have ended. */
export function scaleCurrent(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): Scale | undefined {
  const desired = desiredReplicas(deployment);
  const has = replicasOf(current);
  if (has === desired) return undefined;
  if (has > desired || isRecreate(deployment)) return { set: current, replicas: desired };
  const total = has + sum(old, replicasOf);
  const room = desired + boundsOf(deployment).maxSurge - total;
  if (room <= 0) return undefined;
  return { set: current, replicas: has + Math.min(room, desired - has) };
}

/** Unhealthy old pods go first, since nobody misses them; then healthy ones, as far as the available ones allow. */
function scaleOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Scale[] {
  const minAvailable = desiredReplicas(deployment) - boundsOf(deployment).maxUnavailable;
  const all = [...old, current];
  const unavailableNew = replicasOf(current) - availableOf(current);
  const mayGo = sum(all, replicasOf) - minAvailable - unavailableNew;
  if (mayGo <= 0) return [];
  const targets = new Map(oldestFirst(old).map(set => [set, replicasOf(set)]));
  let unhealthy = mayGo;
  for (const [set, replicas] of targets) {
    const count = Math.min(unhealthy, Math.max(0, replicas - availableOf(set)));
    targets.set(set, replicas - count);
    unhealthy -= count;
  }
  let healthy = Math.max(0, sum(all, remainingAvailable) - minAvailable);
  for (const [set, replicas] of targets) {
    const count = Math.min(healthy, replicas);
    targets.set(set, replicas - count);
    healthy -= count;
  }
  return [...targets]
    .filter(([set, replicas]) => replicas !== replicasOf(set))
    .map(([set, replicas]) => ({ set, replicas }));
}

/** A set that was just scaled down may still count pods that are about to go: nobody may rely on those. */
const remainingAvailable = (set: ReplicaSet): number => Math.min(availableOf(set), replicasOf(set));

export function oldestFirst(sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const age = (set: ReplicaSet) => set.metadata.creationTimestamp ?? '';
  return sets.toSorted(
    (a, b) => compareText(age(a), age(b)) || compareText(a.metadata.name, b.metadata.name),
  );
}

export function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
