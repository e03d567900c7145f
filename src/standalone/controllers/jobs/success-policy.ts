import type { Job } from '../../../kube/types/batch.ts';
import { parseIndexes } from './indexes.ts';

/**
 * The message of the first rule of spec.successPolicy that the completed indexes fulfil (KEP-3998): all of its indexes, or
 * as many of them as it counts; without indexes, of all.
 */
export function successMessage(job: Job, completed: ReadonlySet<number>): string | undefined {
  const { completions = 0, successPolicy } = job.spec;
  for (const [at, rule] of (successPolicy?.rules ?? []).entries()) {
    const { succeededIndexes, succeededCount } = rule;
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, completions);
    const met =
      wanted === undefined ? completed.size : [...wanted].filter(index => completed.has(index)).length;
    const needed = succeededCount ?? wanted?.size;
    if (needed !== undefined && needed > 0 && met >= needed) return `Matched rules at index ${at}`;
  }
  return undefined;
}
