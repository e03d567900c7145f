import type { Container, Pod, PodStatus } from '../../../kube/types/core.ts';
import { timestampOf } from '../../../kube/timestamps.ts';
import { conditionsOf } from './conditions.ts';
import { containerStatus } from './container-status.ts';
import { isDeleted, isPastDeadline, mustEnd } from './decide.ts';
import type { Observed } from './observed.ts';
import { phaseOf } from './phase.ts';
import { ephemeralContainers } from './restart.ts';
import { qualityOfService } from './quality-of-service.ts';

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: Observed;
  readonly hostAddresses: readonly string[];
  readonly imageIdOf: (container: Container) => string;
  readonly now: number;
}

/** The complete status that a kubelet reports for a pod. */
export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, hostAddresses, now } = input;
  const ending = mustEnd(pod, observed, now) || isDeleted(pod, observed);
  const statusOf = (isInit: boolean) => (container: Container) =>
    containerStatus({ pod, container, isInit, observed, imageId: input.imageIdOf(container), now, ending });
  const statuses = pod.spec.containers.map(statusOf(false));
  const initStatuses = (pod.spec.initContainers ?? []).map(statusOf(true));
  const ephemeral = ephemeralContainers(pod).map(statusOf(false));
  const phase = phaseOf(pod, observed, now);
  const [hostIP] = hostAddresses;
  return {
    phase,
    ...reasonOf(input),
    conditions: conditionsOf({ pod, observed, phase, statuses, initStatuses, now }),
    ...(hostIP === undefined ? {} : { hostIP, hostIPs: hostAddresses.map(ip => ({ ip })) }),
    ...addressesOf(input),
    startTime: timestampOf(observed.startTime),
    containerStatuses: statuses,
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: pod.status?.qosClass ?? qualityOfService(pod),
  };
}

function reasonOf(input: StatusInput): Pick<PodStatus, 'reason' | 'message'> {
  if (!isPastDeadline(input.pod, input.observed, input.now)) return {};
  const message = 'Pod was active on the node longer than the specified deadline';
  return { reason: 'DeadlineExceeded', message };
}

/** A pod keeps showing the addresses it had after its sandbox is gone. */
function addressesOf(input: StatusInput): Pick<PodStatus, 'podIP' | 'podIPs'> {
  const { sandbox } = input.observed;
  const known = input.pod.status?.podIPs?.map(each => each.ip) ?? [];
  const addresses = sandbox.at === 'done' ? sandbox.value.addresses : known;
  const [podIP] = addresses;
  return podIP === undefined ? {} : { podIP, podIPs: addresses.map(ip => ({ ip })) };
}
