import type { Container, Pod } from '../../../kube/types/core.ts';
import type { Ending } from '../container/records.ts';
import type { ObservedContainer } from './observed.ts';

/** Containers for looking into a running pod (`kubectl debug`): run once, and never counted for the pod. */
export function ephemeralContainers(pod: Pod): readonly Container[] {
  return (pod.spec.ephemeralContainers ?? []).map(
    ({ restartPolicy: _never, targetContainerName: _target, ...container }) => container,
  );
}

function isEphemeral(pod: Pod, container: Container): boolean {
  return pod.spec.ephemeralContainers?.some(each => each.name === container.name) === true;
}

/** An init container that keeps running beside the others (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function restartPolicyOf(
  pod: Pod,
  container: Container,
  isInit: boolean,
): 'Always' | 'OnFailure' | 'Never' {
  if (isEphemeral(pod, container)) return 'Never';
  const shared = pod.spec.restartPolicy ?? 'Always';
  if (!isInit) return shared;
  if (isSidecar(container)) return 'Always';
  return shared === 'Always' ? 'OnFailure' : shared;
}

export function shouldRestart(policy: 'Always' | 'OnFailure' | 'Never', ending: Ending): boolean {
  switch (policy) {
    case 'Always':
      return true;
    case 'OnFailure':
      return ending.exitCode !== 0;
    case 'Never':
      return false;
  }
}

const FIRST = 10_000;
const LAST = 300_000;

/** A container that ran for longer than this starts over with its back-off. */
const FORGIVEN = 2 * LAST;

/**
 * When a container that ended may start again, in milliseconds since the epoch: at once the first time, then 10 s
 * after its end, doubled each time up to 300 s, as the kubelet does.
 */
export function restartAt(container: ObservedContainer): number {
  if (container.run?.at !== 'ended') return 0;
  const level = levelAfter(container.backoffLevel, container.run.ending);
  return Date.parse(container.run.ending.finishedAt) + delayAt(level);
}

/** The level that a container has from its next start on. */
export function nextLevel(container: ObservedContainer): number {
  return container.run?.at === 'ended' ? levelAfter(container.backoffLevel, container.run.ending) + 1 : 0;
}

/** Milliseconds. */
export function delayAt(level: number): number {
  return level === 0 ? 0 : Math.min(LAST, FIRST * 2 ** Math.min(level - 1, 10));
}

function levelAfter(level: number, ending: Ending): number {
  const ran = Date.parse(ending.finishedAt) - Date.parse(ending.startedAt);
  return ran > FORGIVEN ? 0 : level;
}
