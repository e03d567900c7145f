import type { Job } from '../../../kube/types/batch.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { judgeFailure } from './failure-policy.ts';
import { indexOf } from './pod.ts';

/** How often an index had failed before this pod; those that do not count are told apart (KEP-3850). */
const COUNTED = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED = 'batch.kubernetes.io/job-index-ignored-failure-count';

export interface IndexFailures {
  readonly counted: number;
  readonly ignored: number;
}

/** Each index may fail so often before it is given up; undefined: the Job counts failures as a whole. */
export const limitPerIndex = (job: Job): number | undefined => job.spec.backoffLimitPerIndex;

export function failuresBefore(pod: Pod): IndexFailures {
  const count = (name: string) => {
    const text = pod.metadata.annotations?.[name] ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : 0;
  };
  return { counted: count(COUNTED), ignored: count(IGNORED) };
}

export function failureAnnotations({ counted, ignored }: IndexFailures): Readonly<Record<string, string>> {
  return { [COUNTED]: String(counted), ...(ignored === 0 ? {} : { [IGNORED]: String(ignored) }) };
}

/** The failures of an index once the pod has failed, too. */
export function failuresWith(job: Job, pod: Pod): IndexFailures {
  const { counted, ignored } = failuresBefore(pod);
  const isIgnored = judgeFailure(job, pod).action === 'Ignore';
  return isIgnored ? { counted, ignored: ignored + 1 } : { counted: counted + 1, ignored };
}

/** Whether the failed pod is the last one that its index is given. */
export function endsIndex(job: Job, pod: Pod): boolean {
  const limit = limitPerIndex(job);
  if (limit === undefined) return false;
  if (judgeFailure(job, pod).action === 'FailIndex') return true;
  return failuresWith(job, pod).counted > limit;
}

/** The pods that failed last, by their index: what a replacement counts on from. */
export function lastFailures(failed: readonly Pod[]): ReadonlyMap<number, Pod> {
  const last = new Map<number, Pod>();
  for (const pod of failed) {
    const index = indexOf(pod);
    if (index === undefined) continue;
    const before = last.get(index);
    if (before === undefined || attemptOf(before) < attemptOf(pod)) last.set(index, pod);
  }
  return last;
}

/** Which of its index's pods it is, from 0. */
export function attemptOf(pod: Pod): number {
  const { counted, ignored } = failuresBefore(pod);
  return counted + ignored;
}
