import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { DESIRED_REPLICAS, MAX_REPLICAS, numberIn } from './revision.ts';
import { oldestFirst, sum } from './rolling.ts';
import type { Scale } from './rolling.ts';
import { availableOf, boundsOf, desiredReplicas, isRecreate, replicasOf } from './strategy.ts';

/** The user changed spec.replicas: the annotation on an active set remembers another number. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some(set => {
    const remembered = numberIn(set, DESIRED_REPLICAS);
    return replicasOf(set) > 0 && remembered !== undefined && remembered !== desiredReplicas(deployment);
  });
}

/**
 * What each set is to have, also where that is what it has: its annotations may still name the old desired number.
 * Scaling while nothing rolls out, or in the middle of a rollout: then the change is shared among the sets by their
 * sizes, so that the mix of versions stays as it is (and a bad version does not get all the new pods).
 */
export function scaleAll(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Scale[] {
  const desired = desiredReplicas(deployment);
  const only = activeOrLatest(current, old);
  if (only !== undefined) return [{ set: only, replicas: desired }];
  const active = old.filter(set => replicasOf(set) > 0);
  if (current !== undefined && isSaturated(desired, current))
    return active.map(set => ({ set, replicas: 0 }));
  if (isRecreate(deployment)) return [];
  return share(deployment, current === undefined ? active : [...active, current]);
}

/** The one set that a scale simply means: the only active one, or the latest when none is active. */
function activeOrLatest(current: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const all = current === undefined ? old : [...old, current];
  const active = all.filter(set => replicasOf(set) > 0);
  if (active.length > 1) return undefined;
  return active[0] ?? current ?? oldestFirst(old).at(-1);
}

function isSaturated(desired: number, set: ReplicaSet): boolean {
  return (
    replicasOf(set) === desired && availableOf(set) === desired && numberIn(set, DESIRED_REPLICAS) === desired
  );
}

function share(deployment: Deployment, sets: readonly ReplicaSet[]): readonly Scale[] {
  const desired = desiredReplicas(deployment);
  const allowed = desired === 0 ? 0 : desired + boundsOf(deployment).maxSurge;
  const toAdd = allowed - sum(sets.filter(isActive), replicasOf);
  // The largest first; of equals the newer one grows and the older one shrinks first.
  const byAge = toAdd > 0 ? oldestFirst(sets).toReversed() : oldestFirst(sets);
  const ordered = byAge.filter(isActive).toSorted((a, b) => replicasOf(b) - replicasOf(a));
  let added = 0;
  const targets = ordered.map(set => {
    const part = toAdd === 0 ? 0 : clamp(fraction(deployment, set), toAdd - added);
    added += part;
    return { set, replicas: replicasOf(set) + part };
  });
  const [first, ...rest] = targets;
  if (first === undefined) return [];
  const leftover = { set: first.set, replicas: Math.max(0, first.replicas + toAdd - added) };
  return [leftover, ...rest];
}

/** How much of the change falls on the set, by its share of the size before. */
function fraction(deployment: Deployment, set: ReplicaSet): number {
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -replicasOf(set);
  const before = numberIn(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0;
  if (before === 0) return 0;
  const after = desired + boundsOf(deployment).maxSurge;
  return Math.round((replicasOf(set) * after) / before) - replicasOf(set);
}

function clamp(part: number, rest: number): number {
  return rest > 0 ? Math.max(0, Math.min(part, rest)) : Math.min(0, Math.max(part, rest));
}

const isActive = (set: ReplicaSet): boolean => replicasOf(set) > 0;
