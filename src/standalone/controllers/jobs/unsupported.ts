import type { Job } from '../../../kube/types/batch.ts';

/** A field that says that somebody else runs the Job; undefined when there is none. */
export function unsupported(job: Job): string | undefined {
  const { managedBy } = job.spec;
  return managedBy !== undefined && managedBy !== 'kubernetes.io/job-controller'
    ? `spec.managedBy ${managedBy}`
    : undefined;
}
