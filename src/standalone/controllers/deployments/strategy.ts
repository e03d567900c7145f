import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { scaledValue } from '../../../kube/int-or-string.ts';

export const desiredReplicas = (deployment: Deployment): number => deployment.spec.replicas ?? 1;

export const replicasOf = (set: ReplicaSet): number => set.spec.replicas ?? 1;

export const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

export const isRecreate = (deployment: Deployment): boolean => deployment.spec.strategy?.type === 'Recreate';

/** How far a rolling update may leave the desired number, in pods. */
export interface Bounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * apps/v1 RollingUpdateDeployment: percentages of the desired number, the surge rounded up, the unavailable down; both
 * 0 would never move, so one pod may then be unavailable. Recreate has no bounds of its own.
 */
export function boundsOf(deployment: Deployment): Bounds {
  const desired = desiredReplicas(deployment);
  if (isRecreate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const maxSurge = Math.max(0, scaledValue(rolling?.maxSurge ?? '25%', desired, 'up') ?? 0);
  const maxUnavailable = Math.max(0, scaledValue(rolling?.maxUnavailable ?? '25%', desired, 'down') ?? 0);
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge: 0, maxUnavailable: Math.min(1, desired) };
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, desired) };
}
