import { constants } from 'node:os';
import { isRunning, type ProcessIdentity } from '../../../kernel/process/index.ts';
import { killCgroup } from '../../../kernel/cgroup/index.ts';
import type { Container } from '../../../kube/types/core.ts';
import { cgroupOf } from '../container/launch.ts';
import { runHandler } from '../probes/handler.ts';
import type { Run, Unhealthy } from './observed.ts';
import type { PodWorker } from './pod-worker.ts';

/** A pod that the API does not know any more ends as fast as one that is deleted by force. */
const GRACE_WHEN_GONE = 1;
const DEFAULT_GRACE = 30;
/** A program gets at least this long after a preStop hook that took all of the grace. */
const LEAST_AFTER_HOOK = 2000;
const KILL_PATIENCE = 5000;

/**
 * Ends a container gracefully: preStop hook, stop signal, and when the grace is over SIGKILL. Returns when it does not
 * run any more. The grace may get shorter on the way, when the pod is deleted again with less.
 */
export async function stopContainer(
  worker: PodWorker,
  container: Container,
  run: Run & { readonly at: 'running' },
  unhealthy: Unhealthy | undefined,
  gone: () => boolean,
): Promise<void> {
  const { context } = worker;
  const { clock } = context;
  const began = clock.now();
  const deadline = () => began + graceSeconds(worker, unhealthy, gone()) * 1000;
  const { preStop, stopSignal } = container.lifecycle ?? {};
  const { sandbox } = worker;
  let least = 0;
  if (preStop !== undefined && sandbox !== undefined && !gone()) {
    const identity = worker.identity(container.name, run.attempt);
    const target = { context, pod: worker.pod, container, identity, run, sandbox };
    await Promise.race([
      runHandler(preStop, target, Math.max(deadline() - clock.now(), 1)),
      worker.untilEnded(container.name, deadline),
    ]);
    least = clock.now() + LEAST_AFTER_HOOK;
  }
  signal(run.record.program, signalNumber(stopSignal));
  await worker.untilEnded(container.name, () => (gone() ? deadline() : Math.max(deadline(), least)));
  signal(run.record.program, constants.signals.SIGKILL);
  const patience = clock.now() + KILL_PATIENCE;
  await worker.untilEnded(container.name, () => patience);
  // Its launcher does not answer: the group ends both, and the record will say that nobody saw how.
  if (isRunning(run.record.program) || isRunning(run.record.launcher)) {
    await killCgroup(cgroupOf(context, worker.identity(container.name, run.attempt)));
    worker.poke();
  }
}

function graceSeconds(worker: PodWorker, unhealthy: Unhealthy | undefined, gone: boolean): number {
  if (gone) return GRACE_WHEN_GONE;
  const { metadata, spec } = worker.pod;
  const general = spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE;
  if (metadata.deletionTimestamp !== undefined) return metadata.deletionGracePeriodSeconds ?? general;
  return unhealthy?.graceSeconds ?? general;
}

function signal(process_: ProcessIdentity, number: number): void {
  if (!isRunning(process_)) return;
  try {
    process.kill(process_.pid, number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** lifecycle.stopSignal, such as SIGUSR1 or SIGRTMIN+3. */
function signalNumber(name: string | undefined): number {
  if (name === undefined) return constants.signals.SIGTERM;
  const realTime = /^SIGRTM(IN\+|AX-)(\d+)$/.exec(name);
  if (realTime !== null) return realTime[1] === 'IN+' ? 34 + Number(realTime[2]) : 64 - Number(realTime[2]);
  return (constants.signals as Readonly<Record<string, number>>)[name] ?? constants.signals.SIGTERM;
}
