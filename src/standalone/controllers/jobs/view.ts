import type { Job } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';

/** What is known of a Job when its next step is decided. */
export interface JobView {
  readonly job: Job;
  /** All pods that the Job owns. */
  readonly pods: readonly Pod[];
  /** How many pods were created that the cache does not show yet, and for which indexes. */
  readonly unseen: { readonly count: number; readonly indexes: ReadonlySet<number> };
  /** Uids of pods whose deletion was asked for, though the cache may still show them alive. */
  readonly deleted: ReadonlySet<string>;
  readonly now: number;
}
