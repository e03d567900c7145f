import type { Container, Pod } from '../../../kube/types/core.ts';
import { containerIn, type Observed, type ObservedContainer } from './observed.ts';
import { ephemeralContainers, isSidecar, restartAt, restartPolicyOf, shouldRestart } from './restart.ts';

/** What has to be done next for a pod. Each action is begun at once; what it changed leads to the next decision. */
export type Action =
  | { readonly do: 'mount-volumes' }
  | { readonly do: 'create-sandbox' }
  | {
      readonly do: 'start';
      readonly container: Container;
      readonly attempt: number;
      readonly isInit: boolean;
    }
  | { readonly do: 'stop'; readonly container: Container; readonly reason: string }
  | { readonly do: 'remove-sandbox' }
  /** All is gone: tell the API, which then forgets the pod. */
  | { readonly do: 'finish' };

export interface Decision {
  readonly actions: readonly Action[];
  /** When to decide again although nothing changed, in milliseconds since the epoch. */
  readonly wakeAt: number | undefined;
}

/**
 * The kubelet's state machine, without effects: the pod that is wanted and what is there give the next steps. It may
 * be asked at any time and as often as one likes.
 */
export function decide(pod: Pod, observed: Observed, now: number): Decision {
  if (mustEnd(pod, observed, now)) return end(pod, observed);
  const preparation = prepare(pod, observed, now);
  if (preparation !== undefined) return preparation;
  return runContainers(pod, observed, now);
}

/** Whether the pod is over: deleted, past its deadline, or all of it has ended for good. */
export function mustEnd(pod: Pod, observed: Observed, now: number): boolean {
  const phase = pod.status?.phase;
  // Others may end a pod, too: an eviction sets Failed.
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  return (
    isDeleted(pod, observed) || isPastDeadline(pod, observed, now) || outcomeOf(pod, observed) !== undefined
  );
}

export function isDeleted(pod: Pod, observed: Observed): boolean {
  return observed.gone || pod.metadata.deletionTimestamp !== undefined;
}

/** spec.activeDeadlineSeconds, counted from status.startTime. */
export function isPastDeadline(pod: Pod, observed: Observed, now: number): boolean {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds !== undefined && now >= observed.startTime + seconds * 1000;
}

/**
 * How a pod that needs no more starts has ended; undefined while something runs or will run again. Sidecars do not
 * count: they end with the others.
 */
export function outcomeOf(pod: Pod, observed: Observed): 'Succeeded' | 'Failed' | undefined {
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) continue;
    const ending = endingOf(observed, container.name);
    if (ending === undefined || ending.exitCode === 0) continue;
    if (!shouldRestart(restartPolicyOf(pod, container, true), ending)) return 'Failed';
  }
  let failed = false;
  for (const container of pod.spec.containers) {
    const ending = endingOf(observed, container.name);
    if (ending === undefined || shouldRestart(restartPolicyOf(pod, container, false), ending))
      return undefined;
    failed ||= ending.exitCode !== 0;
  }
  return failed ? 'Failed' : 'Succeeded';
}

export function initDone(pod: Pod, observed: Observed): boolean {
  return (pod.spec.initContainers ?? []).every(container => initPassed(pod, observed, container));
}

function initPassed(pod: Pod, observed: Observed, container: Container): boolean {
  const seen = containerIn(observed, container.name);
  // Once a later container has been started this one had passed, whatever became of it (and of its records) since.
  if (pod.spec.containers.some(later => containerIn(observed, later.name).run !== undefined)) return true;
  if (isSidecar(container)) return seen.run?.at === 'running' && seen.started;
  return seen.run?.at === 'ended' && seen.run.ending.exitCode === 0;
}

function endingOf(observed: Observed, name: string) {
  const { run } = containerIn(observed, name);
  return run?.at === 'ended' ? run.ending : undefined;
}

function end(pod: Pod, observed: Observed): Decision {
  const alive = (container: Container) => isAlive(containerIn(observed, container.name));
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).toReversed();
  const others = [
    ...(pod.spec.initContainers ?? []).filter(each => !isSidecar(each)),
    ...pod.spec.containers,
    ...ephemeralContainers(pod),
  ];
  // Sidecars outlive the containers they serve, and end in the reverse order of their start.
  const group = others.some(alive) ? others.filter(alive) : sidecars.filter(alive).slice(0, 1);
  if (group.length > 0) {
    const stops = group
      .filter(container => {
        const seen = containerIn(observed, container.name);
        return seen.run?.at === 'running' && !seen.stopping;
      })
      .map(container => ({ do: 'stop', container, reason: `Stopping container ${container.name}` }) as const);
    return { actions: stops, wakeAt: undefined };
  }
  if (observed.removing === 'no') {
    const isBusy = observed.sandbox.at === 'doing' || observed.volumes.at === 'doing';
    return { actions: isBusy ? [] : [{ do: 'remove-sandbox' }], wakeAt: undefined };
  }
  const finished = observed.removing === 'done' && isDeleted(pod, observed);
  return { actions: finished ? [{ do: 'finish' }] : [], wakeAt: undefined };
}

function prepare(pod: Pod, observed: Observed, now: number): Decision | undefined {
  for (const [step, action] of [
    [observed.volumes, 'mount-volumes'],
    [observed.sandbox, 'create-sandbox'],
  ] as const) {
    if (step.at === 'doing') return { actions: [], wakeAt: deadlineOf(pod, observed) };
    if (step.at === 'failed' && step.retryAt > now)
      return { actions: [], wakeAt: earliest(step.retryAt, deadlineOf(pod, observed)) };
    if (step.at !== 'done') return { actions: [{ do: action }], wakeAt: undefined };
  }
  return undefined;
}

function runContainers(pod: Pod, observed: Observed, now: number): Decision {
  const actions: Action[] = [];
  let wakeAt = deadlineOf(pod, observed);
  const ephemeral = ephemeralContainers(pod);
  const isApart = (name: string) => ephemeral.some(each => each.name === name);
  let isStarting = [...observed.containers].some(
    ([name, container]) => container.run?.at === 'starting' && !isApart(name),
  );
  const consider = (container: Container, isInit: boolean) => {
    const seen = containerIn(observed, container.name);
    if (seen.run?.at === 'running') {
      if (seen.unhealthy !== undefined && !seen.stopping) {
        actions.push({ do: 'stop', container, reason: seen.unhealthy.reason });
      }
      return;
    }
    const at = startAt(pod, container, isInit, seen);
    if (at === undefined) return;
    if (at > now) wakeAt = earliest(wakeAt, at);
    else if (isApart(container.name)) {
      actions.push({ do: 'start', container, attempt: 0, isInit: false });
    } else if (!isStarting) {
      // One at a time and in order: a postStart hook of the first is done before the second begins.
      isStarting = true;
      const attempt = seen.run === undefined ? 0 : seen.run.attempt + 1;
      actions.push({ do: 'start', container, attempt, isInit });
    }
  };

  // They may be what is to find out why the others do not get on.
  for (const container of ephemeral) consider(container, false);
  for (const container of pod.spec.initContainers ?? []) {
    const passed = initPassed(pod, observed, container);
    if (isSidecar(container) || !passed) consider(container, true);
    if (!passed) return { actions, wakeAt };
  }
  for (const container of pod.spec.containers) consider(container, false);
  return { actions, wakeAt };
}

/** When a container that does not run is to be started, in milliseconds since the epoch; undefined: not at all. */
function startAt(
  pod: Pod,
  container: Container,
  isInit: boolean,
  seen: ObservedContainer,
): number | undefined {
  const { run, waiting } = seen;
  if (run?.at === 'starting' || run?.at === 'running') return undefined;
  const retryAt = waiting?.retryAt ?? 0;
  if (run === undefined) return retryAt;
  if (!shouldRestart(restartPolicyOf(pod, container, isInit), run.ending)) return undefined;
  return Math.max(retryAt, restartAt(seen));
}

function isAlive(container: ObservedContainer): boolean {
  return container.run?.at === 'starting' || container.run?.at === 'running';
}

function deadlineOf(pod: Pod, observed: Observed): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined ? undefined : observed.startTime + seconds * 1000;
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
