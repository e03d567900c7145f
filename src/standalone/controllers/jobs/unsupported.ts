import type { Job } from '../../../kube/types/batch.ts';

/** A field that changes what the Job means and that this controller does not know; undefined when there is none. */
export function unsupported(job: Job): string | undefined {
  const { backoffLimitPerIndex, maxFailedIndexes, successPolicy, managedBy } = job.spec;
  if (backoffLimitPerIndex !== undefined) return 'spec.backoffLimitPerIndex';
  if (maxFailedIndexes !== undefined) return 'spec.maxFailedIndexes';
  if (successPolicy !== undefined) return 'spec.successPolicy';
  if (managedBy !== undefined && managedBy !== 'kubernetes.io/job-controller')
    return `spec.managedBy ${managedBy}`;
  return undefined;
}
