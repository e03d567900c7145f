import type { Pod, PodStatus } from '../../../kube/types/core.ts';
import { initDone, isDeleted, isPastDeadline, outcomeOf } from './decide.ts';
import { containerIn, type Observed } from './observed.ts';

/** status.phase, by the kubelet's rules (getPhase). A pod never leaves Succeeded or Failed. */
export function phaseOf(pod: Pod, observed: Observed, now: number): NonNullable<PodStatus['phase']> {
  const known = pod.status?.phase;
  if (known === 'Succeeded' || known === 'Failed') return known;
  if (isPastDeadline(pod, observed, now)) return 'Failed';
  const outcome = outcomeOf(pod, observed);
  if (outcome !== undefined) return outcome;
  const runs = pod.spec.containers.map(container => containerIn(observed, container.name).run);
  const allEnded = runs.every(run => run === undefined || run.at === 'ended');
  if (isDeleted(pod, observed) && allEnded && runs.some(run => run !== undefined)) {
    return runs.some(run => run?.at === 'ended' && run.ending.exitCode !== 0) ? 'Failed' : 'Succeeded';
  }
  if (!initDone(pod, observed)) return 'Pending';
  return runs.every(run => run !== undefined && run.at !== 'starting') ? 'Running' : 'Pending';
}
