import type { Deployment, DeploymentStatus, ReplicaSet } from '../../../kube/types/apps.ts';
import { beyondHistory } from './history.ts';
import { isScalingEvent, scaleAll } from './proportional.ts';
import { currentSet, newSet, refreshed, revisionOf, scaleAnnotations } from './revision.ts';
import { nextScales, scaleCurrent } from './rolling.ts';
import type { Scale } from './rolling.ts';
import { isComplete, statusOf, untilDeadline } from './status.ts';
import type { Progress } from './status.ts';
import { isRecreate, replicasOf } from './strategy.ts';

export interface DeploymentView {
  readonly deployment: Deployment;
  /** The ReplicaSets that the Deployment owns. */
  readonly sets: readonly ReplicaSet[];
  /** Whether a pod of the set still runs, terminating ones included. */
  readonly hasRunningPods: (set: ReplicaSet) => boolean;
  readonly now: number;
}

export type Write =
  | { readonly do: 'create'; readonly set: ReplicaSet }
  | { readonly do: 'update'; readonly set: ReplicaSet }
  | { readonly do: 'scale'; readonly set: ReplicaSet; readonly from: number }
  | { readonly do: 'delete'; readonly set: ReplicaSet };

export interface DeploymentPlan {
  /** In this order; each `set` is the whole object as it is to be. */
  readonly writes: readonly Write[];
  /** The revision that the Deployment's own annotation has to show; undefined = it does. */
  readonly revision: number | undefined;
  readonly status: (progress?: Progress) => DeploymentStatus;
  /** Milliseconds until time alone may change the plan. */
  readonly again: number | undefined;
}

/**
 * One step of a Deployment. Steps are small: what a write changes comes back as an event, and the next step is planned
 * from what is then there, after a restart as well.
 */
export function plan(view: DeploymentView): DeploymentPlan {
  const { deployment, sets, now } = view;
  const current = currentSet(deployment, sets);
  const old = sets.filter(set => set !== current);
  const status = (progress?: Progress) => statusOf({ deployment, current, old, progress, now });
  const writes =
    deployment.metadata.deletionTimestamp === undefined ? writesOf(view, current, old, status()) : [];
  const target = writes.find(write => write.do === 'create' || write.do === 'update')?.set ?? current;
  const revision = target === undefined ? 0 : revisionOf(target);
  return {
    writes,
    revision: revision === 0 || revision === revisionOf(deployment) ? undefined : revision,
    status,
    again: untilDeadline(deployment, status(), now),
  };
}

function writesOf(
  view: DeploymentView,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  status: DeploymentStatus,
): readonly Write[] {
  const { deployment, sets } = view;
  const updates = current === undefined ? [] : updateOf(deployment, current, old);
  // The set is written whole, so it is scaled in the next step, from its new state.
  if (updates.length > 0) return updates;
  if (deployment.spec.paused === true || isScalingEvent(deployment, sets)) {
    const scales = scaleAll(deployment, current, old).flatMap(scale => scaleWrite(deployment, scale));
    if (scales.length > 0) return scales;
    if (deployment.spec.paused === true) return cleanup(deployment, old);
  }
  const steps = isRecreate(deployment) ? recreate(view, current, old) : roll(deployment, current, old);
  if (steps.length > 0) return steps;
  return isComplete(deployment, status) ? cleanup(deployment, old) : [];
}

function roll(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Write[] {
  if (current === undefined) return [create(deployment, old)];
  return nextScales(deployment, current, old).flatMap(scale => scaleWrite(deployment, scale));
}

/** All old pods have ended, terminating ones too, before the first new one is made. */
function recreate(
  view: DeploymentView,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Write[] {
  const { deployment } = view;
  const active = old.filter(set => replicasOf(set) > 0);
  if (active.length > 0) return active.flatMap(set => scaleWrite(deployment, { set, replicas: 0 }));
  if (old.some(view.hasRunningPods)) return [];
  if (current === undefined) return [create(deployment, old)];
  const scale = scaleCurrent(deployment, current, old);
  return scale === undefined ? [] : scaleWrite(deployment, scale);
}

/** The new set starts with as many replicas as the strategy allows at once. */
function create(deployment: Deployment, old: readonly ReplicaSet[]): Write {
  const set = newSet(deployment, old);
  const replicas = scaleCurrent(deployment, set, old)?.replicas ?? 0;
  return { do: 'create', set: { ...set, spec: { ...set.spec, replicas } } };
}

function updateOf(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Write[] {
  const set = refreshed(deployment, current, old);
  return set === current ? [] : [{ do: 'update', set }];
}

/** Nothing if replicas and annotations are already so. */
function scaleWrite(deployment: Deployment, { set, replicas }: Scale): readonly Write[] {
  const from = replicasOf(set);
  const annotations = scaleAnnotations(deployment);
  const known = Object.entries(annotations).every(
    ([key, value]) => set.metadata.annotations?.[key] === value,
  );
  if (from === replicas && known) return [];
  const metadata = { ...set.metadata, annotations: { ...set.metadata.annotations, ...annotations } };
  return [{ do: 'scale', set: { ...set, metadata, spec: { ...set.spec, replicas } }, from }];
}

function cleanup(deployment: Deployment, old: readonly ReplicaSet[]): readonly Write[] {
  return beyondHistory(deployment, old).map(set => ({ do: 'delete', set }));
}
