import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../../kube/types/core.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { initDone } from './decide.ts';
import type { Observed } from './observed.ts';
import { isSidecar } from './restart.ts';

type Finding = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

export interface ConditionsInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly phase: NonNullable<PodStatus['phase']>;
  readonly statuses: readonly ContainerStatus[];
  readonly initStatuses: readonly ContainerStatus[];
  readonly now: number;
}

/** The conditions that a kubelet owns; those of readiness gates belong to others and are only read. */
export function conditionsOf(input: ConditionsInput): readonly PodCondition[] {
  const containersReady = containersReadyFinding(input);
  const findings: readonly Finding[] = [
    { type: 'PodReadyToStartContainers', status: input.observed.sandbox.at === 'done' ? 'True' : 'False' },
    initializedFinding(input),
    readyFinding(input.pod, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  return findings.map(finding => withTime(finding, input.pod, input.now));
}

function initializedFinding(input: ConditionsInput): Finding {
  const type = 'Initialized';
  if (initDone(input.pod, input.observed)) {
    return { type, status: 'True', ...(input.phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) };
  }
  const open = input.initStatuses.filter(status => !status.ready).map(status => status.name);
  const message = `containers with incomplete status: [${open.join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function containersReadyFinding(input: ConditionsInput): Finding {
  const type = 'ContainersReady';
  if (input.phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (input.phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const sidecars = new Set((input.pod.spec.initContainers ?? []).filter(isSidecar).map(each => each.name));
  const counted = [...input.initStatuses.filter(status => sidecars.has(status.name)), ...input.statuses];
  const unready = counted.filter(status => !status.ready).map(status => status.name);
  if (unready.length === 0) return { type, status: 'True' };
  const message = `containers with unready status: [${unready.join(' ')}]`;
  return { type, status: 'False', reason: 'ContainersNotReady', message };
}

function readyFinding(pod: Pod, containersReady: Finding): Finding {
  const type = 'Ready';
  if (containersReady.status !== 'True') return { ...containersReady, type };
  const closed = (pod.spec.readinessGates ?? [])
    .map(gate => gate.conditionType)
    .filter(gate => {
      const condition = pod.status?.conditions?.find(each => each.type === gate);
      return condition?.status !== 'True';
    });
  if (closed.length === 0) return { type, status: 'True' };
  const message = closed.map(gate => `the status of pod readiness gate "${gate}" is not "True"`).join(', ');
  return { type, status: 'False', reason: 'ReadinessGatesNotReady', message };
}

function withTime(finding: Finding, pod: Pod, now: number): PodCondition {
  const before = pod.status?.conditions?.find(condition => condition.type === finding.type);
  const kept = before?.status === finding.status ? before.lastTransitionTime : undefined;
  return { ...finding, lastTransitionTime: kept ?? timestampOf(now) };
}
