import type { Pod, Taint, Toleration } from '../../../kube/types/core.ts';
import { timeOf } from '../pod-state.ts';
import { tolerates } from '../scheduler/tolerations.ts';

/** Pods that say nothing else stay this long on a node that is lost, as with DefaultTolerationSeconds. */
const DEFAULT_SECONDS = 300;
const LOST = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/**
 * When the pod has to leave its node, in milliseconds since the epoch; undefined = it may stay. Each NoExecute taint
 * gives the pod the tolerationSeconds of the toleration that answers it, from when the taint was added; none answers =
 * at once.
 */
export function evictionTime(pod: Pod, taints: readonly Taint[], now: number): number | undefined {
  let earliest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const stay = toleratedSeconds(pod, taint);
    if (stay === undefined) continue;
    const time = (timeOf(taint.timeAdded) ?? now) + stay * 1000;
    earliest = Math.min(earliest ?? time, time);
  }
  return earliest;
}

/** 0 = the taint is not tolerated; undefined = for ever. */
function toleratedSeconds(pod: Pod, taint: Taint): number | undefined {
  const tolerations = [...(pod.spec.tolerations ?? []), ...defaultTolerations(pod)];
  const found = tolerations.find(toleration => tolerates(toleration, taint));
  if (found === undefined) return 0;
  return found.tolerationSeconds === undefined ? undefined : Math.max(0, found.tolerationSeconds);
}

/** What a real server's admission adds; here it is understood where it is missing. */
function defaultTolerations(pod: Pod): readonly Toleration[] {
  const own = pod.spec.tolerations ?? [];
  return LOST.filter(key => !own.some(toleration => tolerates(toleration, { key, effect: 'NoExecute' }))).map(
    key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: DEFAULT_SECONDS }),
  );
}
