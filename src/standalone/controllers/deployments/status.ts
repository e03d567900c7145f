import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from '../../../kube/types/apps.ts';
import { conditionOf, withoutCondition } from '../conditions.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { timeOf } from '../pod-state.ts';
import { sum } from './rolling.ts';
import { availableOf, boundsOf, desiredReplicas, replicasOf } from './strategy.ts';

/** What happened in this pass that only the status can tell. */
export type Progress =
  | { readonly kind: 'created'; readonly set: string }
  /** The name of the new set was taken; `count` goes into the next hash. */
  | { readonly kind: 'collided'; readonly count: number }
  | { readonly kind: 'create-failed'; readonly message: string };

export interface StatusFacts {
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly progress: Progress | undefined;
  readonly now: number;
}

/**
 * The status that the sets make. `kubectl rollout status` reads the counts, observedGeneration and the reason
 * ProgressDeadlineExceeded; `kubectl wait --for=condition=Available` the condition.
 */
export function statusOf(facts: StatusFacts): DeploymentStatus {
  const { deployment, current, old, now } = facts;
  const all = current === undefined ? old : [...old, current];
  const available = sum(all, availableOf);
  const counts = {
    replicas: sum(all, set => set.status?.replicas ?? 0),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum(all, set => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - available),
  };
  const conditions = failureCondition(
    progressConditions(facts, counts, availableCondition(deployment, available, now)),
    current,
    old,
  );
  const { generation } = deployment.metadata;
  const collisionCount =
    facts.progress?.kind === 'collided' ? facts.progress.count : deployment.status?.collisionCount;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    ...(collisionCount === undefined || collisionCount === 0 ? {} : { collisionCount }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** The rollout is over: every desired pod is of the current template and available, and nothing else is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** Milliseconds until the progress deadline has to be looked at; undefined when nothing is under way. */
export function untilDeadline(
  deployment: Deployment,
  status: DeploymentStatus,
  now: number,
): number | undefined {
  const seconds = deadlineOf(deployment);
  const progressing = conditionOf(status.conditions, 'Progressing');
  if (seconds === undefined || progressing === undefined || isComplete(deployment, status)) return undefined;
  if (progressing.reason === 'ProgressDeadlineExceeded' || deployment.spec.paused === true) return undefined;
  const since = timeOf(progressing.lastUpdateTime) ?? now;
  // A second later than due: the times in conditions have whole seconds.
  return Math.max(1000, since + seconds * 1000 - now + 1000);
}

type Conditions = readonly DeploymentCondition[];
type Counts = Pick<DeploymentStatus, 'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'>;

/** 2^31 - 1 is the API's way to say `no deadline`. */
function deadlineOf(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600;
  return seconds === 2_147_483_647 ? undefined : seconds;
}

function availableCondition(deployment: Deployment, available: number, now: number): Conditions {
  const enough = available >= desiredReplicas(deployment) - boundsOf(deployment).maxUnavailable;
  const before = deployment.status?.conditions ?? [];
  if (enough) {
    const message = 'Deployment has minimum availability.';
    return set(before, 'Available', 'True', 'MinimumReplicasAvailable', message, now);
  }
  const message = 'Deployment does not have minimum availability.';
  return set(before, 'Available', 'False', 'MinimumReplicasUnavailable', message, now);
}

function progressConditions(facts: StatusFacts, counts: Counts, conditions: Conditions): Conditions {
  const { deployment, current, now, progress } = facts;
  if (deadlineOf(deployment) === undefined) return withoutCondition(conditions, 'Progressing');
  const before = conditionOf(conditions, 'Progressing');
  if (deployment.spec.paused === true) return paused(conditions, before, now);
  const list =
    before?.reason === 'DeploymentPaused'
      ? set(conditions, 'Progressing', 'Unknown', 'DeploymentResumed', 'The rollout was resumed.', now)
      : conditions;
  const { generation } = deployment.metadata;
  const status = { ...counts, ...(generation === undefined ? {} : { observedGeneration: generation }) };
  if (progress?.kind === 'create-failed') {
    return set(list, 'Progressing', 'False', 'ReplicaSetCreateError', progress.message, now);
  }
  if (progress?.kind === 'created') {
    return set(
      list,
      'Progressing',
      'True',
      'NewReplicaSetCreated',
      `Created new replica set "${progress.set}".`,
      now,
    );
  }
  if (before?.reason === 'NewReplicaSetAvailable' && counts.replicas === counts.updatedReplicas) {
    // A finished rollout stays finished, whatever happens to its pods later, until the template changes.
    return list;
  }
  const name = current?.metadata.name ?? '';
  if (isComplete(deployment, status)) {
    const message = `ReplicaSet "${name}" has successfully progressed.`;
    return set(list, 'Progressing', 'True', 'NewReplicaSetAvailable', message, now);
  }
  if (hasMoved(deployment.status, counts)) {
    return moved(list, `ReplicaSet "${name}" is progressing.`, now);
  }
  const known = conditionOf(list, 'Progressing');
  if (known === undefined) {
    if (current === undefined) return list;
    return set(list, 'Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${name}".`, now);
  }
  if (isTimedOut(deployment, known, now)) {
    const message = `ReplicaSet "${name}" has timed out progressing.`;
    return set(list, 'Progressing', 'False', 'ProgressDeadlineExceeded', message, now);
  }
  return list;
}

function paused(conditions: Conditions, before: DeploymentCondition | undefined, now: number): Conditions {
  if (before?.reason === 'ProgressDeadlineExceeded') return conditions;
  return set(conditions, 'Progressing', 'Unknown', 'DeploymentPaused', 'The rollout is paused.', now);
}

/** More new, ready or available pods, or fewer old ones, than at the last look. */
function hasMoved(before: DeploymentStatus | undefined, counts: Counts): boolean {
  const of = (status: Counts | undefined, field: keyof Counts) => status?.[field] ?? 0;
  const old = (status: Counts | undefined) => of(status, 'replicas') - of(status, 'updatedReplicas');
  return (
    of(counts, 'updatedReplicas') > of(before, 'updatedReplicas') ||
    old(counts) < old(before) ||
    of(counts, 'readyReplicas') > of(before, 'readyReplicas') ||
    of(counts, 'availableReplicas') > of(before, 'availableReplicas')
  );
}

function isTimedOut(deployment: Deployment, progressing: DeploymentCondition, now: number): boolean {
  if (progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  const seconds = deadlineOf(deployment);
  const since = timeOf(progressing.lastUpdateTime);
  return seconds !== undefined && since !== undefined && since + seconds * 1000 < now;
}

/** What a set cannot do is shown on the Deployment: people look there. */
function failureCondition(
  conditions: Conditions,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Conditions {
  const sets = current === undefined ? old : [current, ...old];
  for (const each of sets) {
    const failure = conditionOf(each.status?.conditions, 'ReplicaFailure');
    if (failure?.status !== 'True') continue;
    const time = timeOf(failure.lastTransitionTime) ?? 0;
    return set(conditions, 'ReplicaFailure', 'True', failure.reason ?? '', failure.message ?? '', time);
  }
  return withoutCondition(conditions, 'ReplicaFailure');
}

/** Progress keeps status and transition time, and moves the time from which the deadline counts. */
function moved(conditions: Conditions, message: string, now: number): Conditions {
  const before = conditionOf(conditions, 'Progressing');
  const next = set(
    withoutCondition(conditions, 'Progressing'),
    'Progressing',
    'True',
    'ReplicaSetUpdated',
    message,
    now,
  );
  const kept = before?.status === 'True' ? before.lastTransitionTime : undefined;
  if (kept === undefined) return next;
  return next.map(each => (each.type === 'Progressing' ? { ...each, lastTransitionTime: kept } : each));
}

/** Replaces the condition of that type unless status and reason stay. */
function set(
  conditions: Conditions,
  type: string,
  status: DeploymentCondition['status'],
  reason: string,
  message: string,
  now: number,
): Conditions {
  const before = conditionOf(conditions, type);
  if (before?.status === status && before.reason === reason) return conditions;
  const time = timestampOf(now);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? time) : time;
  const next = { type, status, reason, message, lastUpdateTime: time, lastTransitionTime };
  const at = conditions.findIndex(each => each.type === type);
  return at < 0 ? [...conditions, next] : conditions.with(at, next);
}
