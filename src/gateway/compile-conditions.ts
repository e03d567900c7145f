import type { Condition } from '../kube/types/meta.ts';
import type { Verdict } from './model.ts';

/** A condition as it is to be, without its times. */
export interface Wanted {
  readonly type: string;
  readonly verdict: Verdict;
}

/** metav1.Condition.message holds at most this much. */
const LONGEST_MESSAGE = 32_768;

/**
 * The conditions that are to stand: ours, then those of types that we know nothing of, as they are. The time of the last
 * transition is kept where the status is the same.
 */
export function mergeConditions(
  present: readonly Condition[],
  wanted: readonly Wanted[],
  options: { readonly generation: number; readonly now: string; readonly ownTypes: readonly string[] },
): readonly Condition[] {
  const { generation, now, ownTypes } = options;
  const ours = wanted.map(({ type, verdict }): Condition => {
    const status = verdict.holds ? 'True' : 'False';
    const before = present.find(condition => condition.type === type);
    return {
      type,
      status,
      reason: verdict.reason,
      message: verdict.message.slice(0, LONGEST_MESSAGE),
      observedGeneration: generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
    };
  });
  const types = new Set([...ownTypes, ...wanted.map(({ type }) => type)]);
  return [...ours, ...present.filter(({ type }) => !types.has(type))];
}
