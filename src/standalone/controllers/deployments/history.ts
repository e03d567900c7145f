import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { revisionOf } from './revision.ts';
import { replicasOf } from './strategy.ts';

/** Old sets beyond spec.revisionHistoryLimit, the oldest revisions first. A set that has or may get pods stays. */
export function beyondHistory(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const alive = old.filter(set => set.metadata.deletionTimestamp === undefined);
  const surplus = alive.length - limit;
  if (surplus <= 0) return [];
  return alive
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, surplus)
    .filter(isSettledAtZero);
}

function isSettledAtZero(set: ReplicaSet): boolean {
  const observed = set.status?.observedGeneration ?? 0;
  return (
    replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && (set.metadata.generation ?? 0) <= observed
  );
}
