import type { Container, ContainerState, ContainerStatus, Pod } from '../../../kube/types/core.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { containerUri } from '../container/identity.ts';
import { initDone } from './decide.ts';
import { containerIn, type Observed, type ObservedContainer, type Run } from './observed.ts';
import { delayAt, isSidecar, restartAt, restartPolicyOf, shouldRestart } from './restart.ts';

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly isInit: boolean;
  readonly observed: Observed;
  /** `imageID`, where the image maps to something. */
  readonly imageId: string;
  readonly now: number;
  /** The pod is over: nothing is started again. */
  readonly ending: boolean;
}

export function containerStatus(input: ContainerStatusInput): ContainerStatus {
  const { container, observed } = input;
  const seen = containerIn(observed, container.name);
  const state = stateOf(input, seen);
  const isWaiting = state.waiting !== undefined;
  const last = isWaiting && seen.run?.at === 'ended' ? seen.run : seen.previous;
  const isRunning = seen.run?.at === 'running';
  return {
    name: container.name,
    state,
    lastState: last === undefined ? {} : { terminated: terminated(last) },
    ready: isReady(input, seen),
    restartCount: seen.run?.attempt ?? 0,
    image: container.image ?? '',
    imageID: seen.run === undefined ? '' : input.imageId,
    ...(seen.run === undefined || seen.run.at === 'starting'
      ? {}
      : { containerID: containerUri(seen.run.id) }),
    started: isRunning && seen.started,
  };
}

function isReady(input: ContainerStatusInput, seen: ObservedContainer): boolean {
  if (input.isInit && !isSidecar(input.container))
    return seen.run?.at === 'ended' && seen.run.ending.exitCode === 0;
  return seen.run?.at === 'running' && seen.started && seen.ready;
}

function stateOf(input: ContainerStatusInput, seen: ObservedContainer): ContainerState {
  const { pod, container, observed, isInit, now } = input;
  const { run, waiting } = seen;
  if (run?.at === 'running') return { running: { startedAt: timestampOf(Date.parse(run.record.startedAt)) } };
  if (waiting !== undefined && !input.ending)
    return { waiting: { reason: waiting.reason, message: waiting.message } };
  if (run?.at !== 'ended') {
    const beforeInit = (pod.spec.initContainers ?? []).length > 0 && (isInit || !initDone(pod, observed));
    return { waiting: { reason: beforeInit ? 'PodInitializing' : 'ContainerCreating' } };
  }
  const again = !input.ending && shouldRestart(restartPolicyOf(pod, container, isInit), run.ending);
  if (!again || restartAt(seen) <= now) return { terminated: terminated(run) };
  const delay = delayName(delayAt(seen.backoffLevel));
  const { name, namespace, uid } = pod.metadata;
  const message = `back-off ${delay} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
  return { waiting: { reason: 'CrashLoopBackOff', message } };
}

/** As Go prints durations: `10s`, `2m40s`, `5m0s`. */
function delayName(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function terminated(run: Run & { readonly at: 'ended' }): NonNullable<ContainerState['terminated']> {
  const { ending } = run;
  return {
    exitCode: ending.exitCode,
    ...(ending.signal === 0 || ending.unknown === true ? {} : { signal: ending.signal }),
    reason: reasonOf(ending),
    ...(ending.message === '' ? {} : { message: ending.message }),
    startedAt: timestampOf(Date.parse(ending.startedAt)),
    finishedAt: timestampOf(Date.parse(ending.finishedAt)),
    containerID: containerUri(run.id),
  };
}

function reasonOf(ending: (Run & { readonly at: 'ended' })['ending']): string {
  if (ending.unknown === true) return 'ContainerStatusUnknown';
  if (!ending.ran) return 'StartError';
  if (ending.outOfMemory) return 'OOMKilled';
  return ending.exitCode === 0 ? 'Completed' : 'Error';
}
