import { readdirSync, rmSync } from 'node:fs';
import { cgroupProcesses } from '../../../kernel/cgroup/index.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';
import { containerId, containerUri, type ContainerIdentity } from '../container/identity.ts';
import { cgroupOf } from '../container/launch.ts';
import type { NodeContext } from '../context.ts';
import { refreshRun } from './container-run.ts';
import { unseen, type ObservedContainer, type Run } from './observed.ts';

/**
 * What an earlier runtime left of a container: its plans say which runs there were, its records how they went on
 * meanwhile. Nothing that still runs is touched.
 */
export function adoptContainer(
  context: NodeContext,
  pod: Pod,
  container: Container,
  now: number,
): ObservedContainer {
  const podUid = pod.metadata.uid ?? '';
  const attempts = attemptsOf(context, podUid, container.name);
  const [latest, before] = attempts.toReversed();
  if (latest === undefined) return unseen;
  const adopt = (attempt: number) =>
    adoptRun(context, container, { podUid, container: container.name, attempt }, now);
  const run = adopt(latest);
  const previous = before === undefined ? undefined : adopt(before);
  const known = statusOf(pod, container.name);
  const isSame = run.at === 'running' && known?.containerID === containerUri(run.id);
  return {
    ...unseen,
    run,
    previous: previous?.at === 'ended' ? previous : undefined,
    started: isSame && known.started === true,
    ready: isSame && known.ready,
    backoffLevel: Math.min(latest, 10),
  };
}

function adoptRun(context: NodeContext, container: Container, identity: ContainerIdentity, now: number): Run {
  const id = containerId(identity);
  const place = { files: context.files, node: context.node.name, container, identity };
  const run = refreshRun({ at: 'starting', attempt: identity.attempt, id }, place, false, now);
  if (run.at !== 'starting') return run;
  // No record yet: either its launcher is at work in the container's control group, or it never came that far.
  const isAtWork = cgroupProcesses(cgroupOf(context, identity)).length > 0;
  return refreshRun(run, place, !isAtWork, now);
}

/** Numbers of the runs that there are plans of, in order. */
export function attemptsOf(context: NodeContext, podUid: string, container: string): readonly number[] {
  try {
    return readdirSync(context.files.container(context.node.name, podUid, container))
      .filter(name => /^\d+\.plan$/.test(name))
      .map(name => Number.parseInt(name, 10))
      .toSorted((a, b) => a - b);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Of a container, its latest run and the one before it stay readable (`logs --previous`); older ones go. */
export function forgetOldRuns(context: NodeContext, podUid: string, container: string, keep: number): void {
  for (const attempt of attemptsOf(context, podUid, container)) {
    if (attempt > keep - 2) return;
    removeRun(context, { podUid, container, attempt });
  }
}

export function removeRun(context: NodeContext, identity: ContainerIdentity): void {
  const { files, node } = context;
  const id = containerId(identity);
  const log = files.log(node.name, identity);
  const paths = [
    files.plan(node.name, identity),
    files.terminationMessage(node.name, identity),
    log,
    `${log}.1`,
    files.pidRecord(id),
    files.exitRecord(id),
    files.attachSocket(id),
  ];
  for (const path of paths) rmSync(path, { force: true });
}

function statusOf(pod: Pod, name: string) {
  const {
    containerStatuses = [],
    initContainerStatuses = [],
    ephemeralContainerStatuses = [],
  } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
    status => status.name === name,
  );
}
