import { scaledValue } from '../../../kube/int-or-string.ts';
import type { DaemonSet, DaemonSetStatus } from '../../../kube/types/apps.ts';
import type { Node, Pod } from '../../../kube/types/core.ts';
import {
  isReady,
  isTerminated,
  isTerminating,
  millisecondsUntilAvailable,
  timeOf,
  untilNextAvailable,
} from '../pod-state.ts';
import { REVISION_HASH_LABEL } from '../revisions/revision.ts';
import { fitOf, type NodeFit } from './node-fit.ts';
import { nodeOf } from './pod.ts';

export interface DaemonSetView {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** All pods that the set owns, ended and terminating ones included. */
  readonly pods: readonly Pod[];
  /** For each node the number of pods that were created for it and that the cache does not show yet. */
  readonly unseen: ReadonlyMap<string, number>;
  /** Uids of pods whose deletion was asked for, though the cache may still show them alive. */
  readonly deleted: ReadonlySet<string>;
  /** The hash of the current template's revision. */
  readonly hash: string;
  readonly now: number;
}

export interface DaemonSetPlan {
  /** Nodes to make a pod for. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Of those: pods that ended though they should run. */
  readonly failed: readonly Pod[];
  /** Milliseconds until time alone may change the plan. */
  readonly again: number | undefined;
}

/** What there is of the set on one node. */
interface Post {
  readonly node: string;
  readonly fit: NodeFit;
  readonly pods: readonly Pod[];
  readonly unseen: number;
}

/** One step of a DaemonSet: one pod on each node that fits, and a rolling update over them. */
export function plan(view: DaemonSetView): DaemonSetPlan {
  if (view.set.metadata.deletionTimestamp !== undefined)
    return { create: [], remove: [], failed: [], again: undefined };
  const posts = postsOf(view);
  const staff = posts.map(post => staffing(view, post));
  const create = staff.flatMap(each => each.create);
  const remove = staff.flatMap(each => each.remove);
  const failed = staff.flatMap(each => each.failed);
  const busy = new Set([...remove, ...failed]);
  const rolling = view.set.spec.updateStrategy?.type === 'OnDelete' ? NOTHING : roll(view, posts, busy);
  return {
    create: [...create, ...rolling.create],
    remove: [...remove, ...failed, ...rolling.remove],
    failed,
    again: untilAvailable(view),
  };
}

const NOTHING = { create: [], remove: [] } as const;

function postsOf(view: DaemonSetView): readonly Post[] {
  const byNode = new Map<string, Pod[]>();
  for (const pod of view.pods) {
    const node = nodeOf(pod) ?? '';
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  return view.nodes.map(node => {
    const { name } = node.metadata;
    return {
      node: name,
      fit: fitOf(view.set, node),
      pods: byNode.get(name) ?? [],
      unseen: view.unseen.get(name) ?? 0,
    };
  });
}

const goes = (view: DaemonSetView, pod: Pod): boolean =>
  isTerminating(pod) || view.deleted.has(pod.metadata.uid ?? '');

const isAvailable = (view: DaemonSetView, pod: Pod): boolean =>
  !goes(view, pod) && millisecondsUntilAvailable(pod, view.set.spec.minReadySeconds ?? 0, view.now) === 0;

const isCurrent = (view: DaemonSetView, pod: Pod): boolean =>
  pod.metadata.labels?.[REVISION_HASH_LABEL] === view.hash;

/** The right number of pods on a node, whatever their revision. During a surge an old one may stand beside a new one. */
function staffing(
  view: DaemonSetView,
  post: Post,
): { readonly create: readonly string[]; readonly remove: readonly Pod[]; readonly failed: readonly Pod[] } {
  const failed = post.pods.filter(pod => isTerminated(pod) && !goes(view, pod));
  const active = post.pods.filter(pod => !isTerminated(pod) && !goes(view, pod));
  if (!post.fit.mayStay) return { create: [], remove: active, failed };
  const isVacant = active.length === 0 && post.unseen === 0 && post.pods.length === failed.length;
  if (isVacant && failed.length === 0)
    return { create: post.fit.shouldRun ? [post.node] : [], remove: [], failed };
  const surge = surgeOf(view) > 0;
  const groups = surge
    ? [active.filter(pod => isCurrent(view, pod)), active.filter(pod => !isCurrent(view, pod))]
    : [active];
  return { create: [], remove: groups.flatMap(group => group.toSorted(oldestFirst).slice(1)), failed };
}

function oldestFirst(a: Pod, b: Pod): number {
  const age = (pod: Pod) => timeOf(pod.metadata.creationTimestamp) ?? 0;
  return age(a) - age(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

function surgeOf(view: DaemonSetView): number {
  const wanted = wantedNodes(view);
  return scaledValue(view.set.spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0, wanted, 'up') ?? 0;
}

function unavailableOf(view: DaemonSetView): number {
  const value = view.set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  const most = scaledValue(value, wantedNodes(view), 'up') ?? 0;
  return most === 0 && surgeOf(view) === 0 ? 1 : most;
}

const wantedNodes = (view: DaemonSetView): number =>
  view.nodes.filter(node => fitOf(view.set, node).shouldRun).length;

/** Old pods give way: those that serve nobody at once, others as far as the strategy allows, or after their successor. */
function roll(
  view: DaemonSetView,
  posts: readonly Post[],
  busy: ReadonlySet<Pod>,
): { readonly create: readonly string[]; readonly remove: readonly Pod[] } {
  const wanted = posts.filter(post => post.fit.shouldRun);
  const states = wanted.map(post => {
    const active = post.pods.filter(pod => !isTerminated(pod) && !busy.has(pod) && !goes(view, pod));
    const old = active.find(pod => !isCurrent(view, pod));
    const next = active.find(pod => isCurrent(view, pod));
    return { post, old, next };
  });
  const surge = surgeOf(view);
  return surge > 0 ? rollBySurge(view, states, surge) : rollInPlace(view, states);
}

interface PostState {
  readonly post: Post;
  readonly old: Pod | undefined;
  readonly next: Pod | undefined;
}

function rollInPlace(view: DaemonSetView, states: readonly PostState[]) {
  const isDown = ({ old, next }: PostState) =>
    ![old, next].some(pod => pod !== undefined && isAvailable(view, pod));
  let free = unavailableOf(view) - states.filter(isDown).length;
  const remove: Pod[] = [];
  for (const { old } of states) {
    if (old === undefined) continue;
    if (!isAvailable(view, old)) remove.push(old);
    else if (free > 0) {
      free -= 1;
      remove.push(old);
    }
  }
  return { create: [], remove };
}

function rollBySurge(view: DaemonSetView, states: readonly PostState[], surge: number) {
  const underWay = states.filter(
    ({ post, old, next }) => old !== undefined && (next !== undefined || post.unseen > 0),
  ).length;
  let free = surge - underWay;
  const create: string[] = [];
  const remove: Pod[] = [];
  for (const { post, old, next } of states) {
    if (old === undefined) continue;
    if (next !== undefined) {
      if (isAvailable(view, next)) remove.push(old);
    } else if (!isAvailable(view, old)) {
      remove.push(old);
    } else if (free > 0 && post.unseen === 0) {
      free -= 1;
      create.push(post.node);
    }
  }
  return { create, remove };
}

function untilAvailable(view: DaemonSetView): number | undefined {
  const staying = view.pods.filter(pod => !goes(view, pod));
  return untilNextAvailable(staying, view.set.spec.minReadySeconds ?? 0, view.now);
}

/** status, from the pods as they are: of each node its oldest pod counts. */
export function statusOf(view: DaemonSetView): DaemonSetStatus {
  const { set } = view;
  const posts = postsOf(view).map(post => ({
    ...post,
    pods: post.pods.filter(pod => !isTerminating(pod)).toSorted(oldestFirst),
  }));
  const wanted = posts.filter(post => post.fit.shouldRun);
  const count = (test: (pod: Pod) => boolean) => wanted.filter(({ pods }) => pods.some(test)).length;
  const available = count(pod => isAvailable(view, pod));
  return {
    currentNumberScheduled: wanted.filter(({ pods }) => pods.length > 0).length,
    numberMisscheduled: posts.filter(({ fit, pods }) => !fit.shouldRun && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: count(isReady),
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...positive(
      'updatedNumberScheduled',
      count(pod => isCurrent(view, pod)),
    ),
    ...positive('numberAvailable', available),
    ...positive('numberUnavailable', wanted.length - available),
    ...(set.status?.collisionCount === undefined ? {} : { collisionCount: set.status.collisionCount }),
  };
}

/** A count that is 0 is left out, as the API's own types do. */
function positive(field: string, count: number): object {
  return count === 0 ? {} : { [field]: count };
}
