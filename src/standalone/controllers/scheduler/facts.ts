import type { Container, Node, Pod } from '../../../kube/types/core.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { controllerOf } from '../ownership.ts';

import type { HostPort, NodeFacts, PodFacts, Resources } from './model.ts';

export function podFacts(pod: Pod): PodFacts {
  const namespace = pod.metadata.namespace ?? '';
  const { affinity } = pod.spec;
  return {
    pod,
    key: `${namespace}/${pod.metadata.name}`,
    uid: pod.metadata.uid ?? '',
    namespace,
    labels: pod.metadata.labels ?? {},
    requests: requestsOf(pod),
    hostPorts: hostPortsOf(pod),
    affinity: affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    antiAffinity: affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    spread: pod.spec.topologySpreadConstraints ?? [],
    owner: controllerOf(pod)?.uid,
    terminating: pod.metadata.deletionTimestamp !== undefined,
  };
}

export function nodeFacts(node: Node, pods: ReadonlyMap<string, PodFacts>): NodeFacts {
  let repelling = 0;
  const requested = new Map<string, bigint>();
  for (const pod of pods.values()) {
    addTo(requested, pod.requests);
    if (pod.antiAffinity.length > 0) repelling++;
  }
  return {
    node,
    name: node.metadata.name,
    labels: node.metadata.labels ?? {},
    taints: node.spec?.taints ?? [],
    unschedulable: node.spec?.unschedulable === true,
    allocatable: amounts(node.status?.allocatable ?? node.status?.capacity),
    pods,
    requested,
    repelling,
  };
}

/** The node with one more pod on it, without adding all the others up again. */
export function withPod(facts: NodeFacts, pod: PodFacts): NodeFacts {
  const pods = new Map(facts.pods).set(pod.key, pod);
  const requested = new Map(facts.requested);
  addTo(requested, pod.requests);
  return { ...facts, pods, requested, repelling: facts.repelling + (pod.antiAffinity.length > 0 ? 1 : 0) };
}

/**
 * What a pod needs at once (core/v1 ResourceRequirements, KEP-753): the sum of its containers and sidecars, or what an
 * init container needs beside the sidecars that run by then, whichever is more; and the overhead.
 */
export function requestsOf(pod: Pod): Resources {
  const running = new Map<string, bigint>();
  const peak = new Map<string, bigint>();
  for (const container of pod.spec.initContainers ?? []) {
    const own = requestsOfContainer(container);
    if (container.restartPolicy === 'Always') {
      addTo(running, own);
      raiseTo(peak, running);
      continue;
    }
    const together = new Map(running);
    addTo(together, own);
    raiseTo(peak, together);
  }
  for (const container of pod.spec.containers) addTo(running, requestsOfContainer(container));
  raiseTo(peak, running);
  for (const [name, amount] of amounts(pod.spec.resources?.requests)) peak.set(name, amount);
  addTo(peak, amounts(pod.spec.overhead));
  return peak;
}

/** Ports that the pod takes on the node's own addresses. With hostNetwork every declared port is one. */
export function hostPortsOf(pod: Pod): readonly HostPort[] {
  const containers = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
  return containers.flatMap(container =>
    (container.ports ?? []).flatMap(declared => {
      const port = declared.hostPort ?? (pod.spec.hostNetwork === true ? declared.containerPort : 0);
      if (port === 0) return [];
      const address = declared.hostIP === undefined || declared.hostIP === '' ? '0.0.0.0' : declared.hostIP;
      return [{ protocol: declared.protocol ?? 'TCP', address, port }];
    }),
  );
}

const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** A limit without a request is a request as well: the API server's default. */
function requestsOfContainer(container: Container): Resources {
  return amounts({ ...container.resources?.limits, ...container.resources?.requests });
}

function amounts(quantities: Readonly<Record<string, string>> | undefined): Resources {
  const found = new Map<string, bigint>();
  for (const [name, quantity] of Object.entries(quantities ?? {})) {
    const amount = parseQuantity(quantity);
    if (amount !== undefined) found.set(name, amount);
  }
  return found;
}

function addTo(total: Map<string, bigint>, more: Resources): void {
  for (const [name, amount] of more) total.set(name, (total.get(name) ?? 0n) + amount);
}

function raiseTo(peak: Map<string, bigint>, floor: Resources): void {
  for (const [name, amount] of floor)
    peak.set(name, amount > (peak.get(name) ?? 0n) ? amount : (peak.get(name) ?? 0n));
}
