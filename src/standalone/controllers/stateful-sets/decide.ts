import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import {
  isReady,
  isTerminated,
  isTerminating,
  millisecondsUntilAvailable,
  untilNextAvailable,
} from '../pod-state.ts';
import { REVISION_HASH_LABEL } from '../revisions/revision.ts';
import { ordinalOf } from './pod.ts';

export interface StatefulSetView {
  readonly set: StatefulSet;
  /** All pods that the set owns, ended and terminating ones included. */
  readonly pods: readonly Pod[];
  /** Names of pods that were created and that the cache does not show yet. */
  readonly unseen: ReadonlySet<string>;
  /** Uids of pods whose deletion was asked for, though the cache may still show them alive. */
  readonly deleted: ReadonlySet<string>;
  /** The revision that status.currentRevision names, as far as it is still there; else the update's. */
  readonly current: ControllerRevision;
  /** The revision of the template as it is now. */
  readonly update: ControllerRevision;
  readonly now: number;
}

export interface StatefulSetPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: ControllerRevision }[];
  readonly remove: readonly Pod[];
  /** Milliseconds until time alone may change the plan. */
  readonly again: number | undefined;
}

/** One place of the set: the pod in it, if there is one. */
interface Place {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
  readonly isUnseen: boolean;
}

/**
 * One step of a StatefulSet. OrderedReady: one place after the other, upwards when pods are made, downwards when they go,
 * and none before its predecessors are available. Parallel: all at once. Updates always go from the highest place
 * downwards, one pod at a time, to the partition.
 */
export function plan(view: StatefulSetView): StatefulSetPlan {
  const { set } = view;
  if (set.metadata.deletionTimestamp !== undefined) return idle();
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel';
  const places = placesOf(view);
  const condemned = condemnedOf(view);
  const step = isOrdered ? fillInOrder(view, places) : fillAtOnce(view, places);
  if (step !== undefined) return isOrdered ? step : withRemovals(step, view, condemned);
  const shrink = isOrdered ? shrinkInOrder(view, condemned, places) : shrinkAtOnce(view, condemned);
  return shrink ?? update(view, places) ?? idle(untilAvailable(view, places));
}

function idle(again?: number): StatefulSetPlan {
  return { create: [], remove: [], again };
}

/** Pods that one step makes of a Parallel set. */
const MOST_NEW = 500;

/** All places, or so many that some of them are certainly free: two thousand million replicas are valid input. */
function placesOf(view: StatefulSetView): readonly Place[] {
  const { set, unseen } = view;
  const most = view.pods.length + unseen.size + MOST_NEW;
  const start = set.spec.ordinals?.start ?? 0;
  const byOrdinal = new Map(view.pods.map(pod => [ordinalOf(set, pod), pod]));
  return Array.from({ length: Math.min(set.spec.replicas ?? 1, most) }, (_, index) => {
    const ordinal = start + index;
    const pod = byOrdinal.get(ordinal);
    return { ordinal, pod, isUnseen: pod === undefined && unseen.has(`${set.metadata.name}-${ordinal}`) };
  });
}

/** Pods beyond the places, the highest first. */
function condemnedOf(view: StatefulSetView): readonly Pod[] {
  const { set, pods } = view;
  const start = set.spec.ordinals?.start ?? 0;
  const end = start + (set.spec.replicas ?? 1);
  return pods
    .map(pod => ({ pod, ordinal: ordinalOf(set, pod) ?? -1 }))
    .filter(({ ordinal }) => ordinal < start || ordinal >= end)
    .toSorted((a, b) => b.ordinal - a.ordinal)
    .map(({ pod }) => pod);
}

const goes = (view: StatefulSetView, pod: Pod): boolean =>
  isTerminating(pod) || view.deleted.has(pod.metadata.uid ?? '');

const isAvailable = (view: StatefulSetView, pod: Pod): boolean =>
  !goes(view, pod) &&
  pod.status?.phase === 'Running' &&
  millisecondsUntilAvailable(pod, view.set.spec.minReadySeconds ?? 0, view.now) === 0;

const isHealthy = (view: StatefulSetView, pod: Pod): boolean =>
  !goes(view, pod) && pod.status?.phase === 'Running' && isReady(pod);

/** The first place that is not as it should be; undefined when all are. */
function fillInOrder(view: StatefulSetView, places: readonly Place[]): StatefulSetPlan | undefined {
  for (const { ordinal, pod, isUnseen } of places) {
    if (isUnseen) return idle();
    if (pod === undefined) return { ...idle(), create: [{ ordinal, revision: revisionFor(view, ordinal) }] };
    if (isTerminated(pod) && !goes(view, pod)) return { ...idle(), remove: [pod] };
    if (!isAvailable(view, pod)) return idle(untilAvailable(view, places));
  }
  return undefined;
}

function fillAtOnce(view: StatefulSetView, places: readonly Place[]): StatefulSetPlan | undefined {
  const create = places
    .filter(({ pod, isUnseen }) => pod === undefined && !isUnseen)
    .map(({ ordinal }) => ({ ordinal, revision: revisionFor(view, ordinal) }));
  const remove = places.flatMap(({ pod }) =>
    pod !== undefined && isTerminated(pod) && !goes(view, pod) ? [pod] : [],
  );
  return create.length + remove.length === 0 ? undefined : { create, remove, again: undefined };
}

function withRemovals(
  step: StatefulSetPlan,
  view: StatefulSetView,
  condemned: readonly Pod[],
): StatefulSetPlan {
  return { ...step, remove: [...step.remove, ...condemned.filter(pod => !goes(view, pod))] };
}

/** Places below the partition keep the current revision when they are made anew. */
function revisionFor(view: StatefulSetView, ordinal: number): ControllerRevision {
  const { updateStrategy, ordinals } = view.set.spec;
  const start = ordinals?.start ?? 0;
  const isKept =
    updateStrategy?.type !== 'OnDelete' && ordinal < start + (updateStrategy?.rollingUpdate?.partition ?? 0);
  return isKept ? view.current : view.update;
}

/** From the highest place down, one at a time. One that is not well waits for those before it that are not either. */
function shrinkInOrder(
  view: StatefulSetView,
  condemned: readonly Pod[],
  places: readonly Place[],
): StatefulSetPlan | undefined {
  if (condemned.length === 0) return undefined;
  const [highest] = condemned;
  if (highest === undefined || condemned.some(pod => goes(view, pod))) return idle();
  const isUnwell = (pod: Pod) => !isTerminated(pod) && !isHealthy(view, pod);
  const all = [...places.flatMap(({ pod }) => (pod === undefined ? [] : [pod])), ...condemned.toReversed()];
  if (isUnwell(highest) && all.find(isUnwell) !== highest) return idle();
  return { ...idle(), remove: [highest] };
}

function shrinkAtOnce(view: StatefulSetView, condemned: readonly Pod[]): StatefulSetPlan | undefined {
  const remove = condemned.filter(pod => !goes(view, pod));
  return remove.length === 0 ? undefined : { ...idle(), remove };
}

/** The highest pod that is not of the update's revision goes; one that is not available is waited for. */
function update(view: StatefulSetView, places: readonly Place[]): StatefulSetPlan | undefined {
  const { updateStrategy, ordinals } = view.set.spec;
  if (updateStrategy?.type === 'OnDelete') return undefined;
  const lowest = (ordinals?.start ?? 0) + (updateStrategy?.rollingUpdate?.partition ?? 0);
  for (const { ordinal, pod } of places.toReversed()) {
    if (ordinal < lowest) break;
    if (pod === undefined) return idle();
    const isOld = pod.metadata.labels?.[REVISION_HASH_LABEL] !== view.update.metadata.name;
    if (isOld && !goes(view, pod)) return { ...idle(), remove: [pod] };
    if (!isAvailable(view, pod)) return idle(untilAvailable(view, places));
  }
  return undefined;
}

function untilAvailable(view: StatefulSetView, places: readonly Place[]): number | undefined {
  const staying = places.flatMap(({ pod }) => (pod === undefined || goes(view, pod) ? [] : [pod]));
  return untilNextAvailable(staying, view.set.spec.minReadySeconds ?? 0, view.now);
}

/** status, from the pods as they are; the update's revision becomes the current one when every pod has it. */
export function statusOf(view: StatefulSetView): StatefulSetStatus {
  const { set, current, update: next } = view;
  const pods = view.pods.filter(pod => !isTerminated(pod));
  const staying = pods.filter(pod => !goes(view, pod));
  const of = (revision: ControllerRevision) =>
    staying.filter(pod => pod.metadata.labels?.[REVISION_HASH_LABEL] === revision.metadata.name).length;
  const wanted = set.spec.replicas ?? 1;
  const updated = of(next);
  const ready = staying.filter(pod => isHealthy(view, pod)).length;
  const isComplete =
    set.spec.updateStrategy?.type !== 'OnDelete' &&
    updated === wanted &&
    ready === wanted &&
    pods.length === wanted;
  const currentReplicas = isComplete ? updated : of(current);
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    ...positive('readyReplicas', ready),
    ...positive('availableReplicas', staying.filter(pod => isAvailable(view, pod)).length),
    ...positive('currentReplicas', currentReplicas),
    ...positive('updatedReplicas', updated),
    currentRevision: (isComplete ? next : current).metadata.name,
    updateRevision: next.metadata.name,
    collisionCount: set.status?.collisionCount ?? 0,
  };
}

/** A count that is 0 is left out, as the API's own types do. */
function positive(field: string, count: number): object {
  return count === 0 ? {} : { [field]: count };
}
