import type { Pod } from '../../../kube/types/core.ts';
import { isTerminated, isTerminating, timeOf } from '../pod-state.ts';

/** A pod may name a node that is only about to register. */
export const QUARANTINE_MILLISECONDS = 40_000;
/** More ended pods than this are not kept (kube-controller-manager's --terminated-pod-gc-threshold). */
export const KEPT_TERMINATED_PODS = 12_500;

export type Verdict =
  | { readonly kind: 'keep' }
  /** Look again in so many milliseconds. */
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'remove'; readonly message: string };

export interface PodCircumstances {
  readonly nodeExists: boolean;
  /** The node was there and was deleted, as opposed to: it was never seen. */
  readonly nodeWasDeleted: boolean;
  /** When it was first seen that the node is not there, milliseconds since the epoch. */
  readonly missingSince: number;
  readonly now: number;
}

/** Whether nobody is left who would end the pod or report that it ended. */
export function judge(pod: Pod, circumstances: PodCircumstances): Verdict {
  const node = pod.spec.nodeName ?? '';
  if (node === '') {
    return isTerminating(pod)
      ? { kind: 'remove', message: 'The pod was deleted before it was bound to a node.' }
      : { kind: 'keep' };
  }
  if (circumstances.nodeExists) return { kind: 'keep' };
  if (circumstances.nodeWasDeleted) return { kind: 'remove', message: `Node ${node} was deleted.` };
  const left = circumstances.missingSince + QUARANTINE_MILLISECONDS - circumstances.now;
  if (left > 0) return { kind: 'wait', milliseconds: left };
  return { kind: 'remove', message: `Node ${node} does not exist.` };
}

/** The ended pods beyond those that are kept, the oldest first. */
export function surplusTerminated(pods: readonly Pod[], kept = KEPT_TERMINATED_PODS): readonly Pod[] {
  const ended = pods.filter(pod => isTerminated(pod) && !isTerminating(pod));
  if (ended.length <= kept) return [];
  const age = (pod: Pod) => timeOf(pod.metadata.creationTimestamp) ?? 0;
  return ended.toSorted((a, b) => age(a) - age(b)).slice(0, ended.length - kept);
}
