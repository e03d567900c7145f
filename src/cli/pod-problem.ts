import type { Pod } from '../kube/types/pod.ts';

/** Why a pod is not ready, in words for people. */
export interface PodProblem {
  readonly text: string;
  /** Waiting alone does not mend it. */
  readonly hopeless: boolean;
}

const hopelessReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
]);

/** Undefined for a pod that is ready, or has done its work. */
export function problemOf(pod: Pod): PodProblem | undefined {
  const { status } = pod;
  if (status?.phase === 'Succeeded' || conditionOf(pod, 'Ready')?.status === 'True') return undefined;
  if (pod.metadata.deletionTimestamp !== undefined) return { text: 'is being deleted', hopeless: false };
  if (status?.phase === 'Failed') {
    return {
      text: `failed: ${status.message ?? status.reason ?? exitOf(pod) ?? 'no reason given'}`,
      hopeless: true,
    };
  }
  return containerProblem(pod) ?? conditionProblem(pod);
}

function containerProblem(pod: Pod): PodProblem | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name, state, lastState, restartCount } of statuses) {
    const waiting = state?.waiting;
    if (
      waiting?.reason === undefined ||
      waiting.reason === 'ContainerCreating' ||
      waiting.reason === 'PodInitializing'
    ) {
      continue;
    }
    const ended = lastState?.terminated;
    const words = [
      `container ${name}: ${waiting.reason}`,
      ...(waiting.message ? [waiting.message] : []),
      ...(ended === undefined ? [] : [`its last run ended with exit code ${ended.exitCode}`]),
      ...(restartCount > 0 ? [`restarted ${restartCount} times`] : []),
    ];
    return { text: words.join(', '), hopeless: hopelessReasons.has(waiting.reason) };
  }
  return undefined;
}

function conditionProblem(pod: Pod): PodProblem {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (pod.spec?.nodeName === undefined) {
    return { text: `has no node: ${scheduled?.message ?? 'waits for the scheduler'}`, hopeless: false };
  }
  const ready = conditionOf(pod, 'Ready');
  const waits = (pod.status?.containerStatuses ?? []).filter(it => !it.ready).map(it => it.name);
  const what = pod.status?.phase === 'Running' ? 'runs and is not ready' : 'is being started';
  const text = ready?.message ?? (waits.length > 0 ? `waits for container ${waits.join(', ')}` : undefined);
  return { text: `${what} on ${pod.spec.nodeName}${text === undefined ? '' : `: ${text}`}`, hopeless: false };
}

const conditionOf = (pod: Pod, type: string) =>
  pod.status?.conditions?.find(condition => condition.type === type);

function exitOf(pod: Pod): string | undefined {
  const ended = pod.status?.containerStatuses?.find(it => (it.state?.terminated?.exitCode ?? 0) !== 0);
  const code = ended?.state?.terminated?.exitCode;
  return code === undefined ? undefined : `container ${ended?.name ?? ''} ended with exit code ${code}`;
}
