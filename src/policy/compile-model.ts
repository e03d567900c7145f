import { formatAddress, parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { matchesAll } from '../kube/selector.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import type { Service } from '../kube/types/service.ts';
import { PolicyIndex } from './compile-index.ts';
import type { PolicyNodeFacts } from './compile-index.ts';
import type { Labels, NamedPort, Policy, PolicyPod } from './model.ts';

/** Undefined for a pod that ended. `assigned` are addresses that it has before its status tells them. */
export function readPod(
  pod: Pod,
  namespaceLabels: Labels,
  assigned: readonly Address[] = [],
): PolicyPod | undefined {
  const { metadata, spec, status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const namespace = metadata.namespace ?? '';
  const told = (status?.podIPs ?? (status?.podIP === undefined ? [] : [{ ip: status.podIP }]))
    .map(({ ip }) => parseAddress(ip))
    .filter(address => address !== undefined);
  const addresses = new Map([...assigned, ...told].map(address => [formatAddress(address), address]));
  return {
    key: `${namespace}/${metadata.name}`,
    uid: metadata.uid ?? '',
    namespace,
    labels: metadata.labels ?? {},
    namespaceLabels,
    addresses: [...addresses.values()],
    node: spec.nodeName ?? '',
    hostNetwork: spec.hostNetwork === true,
    ports: namedPortsOf(pod),
    created: metadata.creationTimestamp ?? '',
  };
}

/** Of containers, and of init containers that stay (sidecars); the first of a name and protocol counts. */
function namedPortsOf({ spec }: Pod): readonly NamedPort[] {
  const sidecars = (spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always');
  const found = new Map<string, NamedPort>();
  for (const { ports = [] } of [...(spec.containers ?? []), ...sidecars]) {
    for (const { name = '', protocol = 'TCP', containerPort } of ports) {
      if (name !== '' && !found.has(`${name} ${protocol}`))
        found.set(`${name} ${protocol}`, { name, protocol, port: containerPort });
    }
  }
  return [...found.values()];
}

/** The number that a name has on a pod. */
export function resolvePort(pod: PolicyPod, name: string, protocol: string): number | undefined {
  return pod.ports.find(port => port.name === name && port.protocol === protocol)?.port;
}

/**
 * The addresses of the cluster's DNS Service, which every node answers itself, as a pod that peers can select: it has the
 * labels of the pods behind the Service. On no node, so that nothing isolates it.
 */
export function readNodeLocalService(
  service: Service,
  behind: readonly Pod[],
  namespaceLabels: Labels,
): PolicyPod {
  const { metadata, spec } = service;
  const namespace = metadata.namespace ?? '';
  const selector = spec.selector ?? {};
  const pod = behind.find(
    candidate =>
      candidate.metadata.namespace === namespace && matchesAll(selector, candidate.metadata.labels),
  );
  return {
    key: `${namespace}/${metadata.name} (Service)`,
    uid: metadata.uid ?? '',
    namespace,
    labels: pod?.metadata.labels ?? selector,
    namespaceLabels,
    addresses: (spec.clusterIPs ?? []).map(parseAddress).filter(address => address !== undefined),
    node: '',
    hostNetwork: false,
    ports: (spec.ports ?? []).map(({ name = '', protocol = 'TCP', port }) => ({ name, protocol, port })),
    created: metadata.creationTimestamp ?? '',
  };
}

/** `status.addresses` of all types: whatever the node sends from is the node. */
export function readNode({ metadata, status }: Node): PolicyNodeFacts {
  const addresses = (status?.addresses ?? [])
    .map(({ address }) => parseAddress(address))
    .filter(address => address !== undefined);
  return { name: metadata.name, labels: metadata.labels ?? {}, addresses };
}

export interface ModelParts {
  readonly pods: readonly PolicyPod[];
  readonly policies: readonly Policy[];
  readonly nodes: readonly PolicyNodeFacts[];
}

/** Joins what was read; the order of the lists does not matter. */
export function compileModel({ pods, policies, nodes }: ModelParts): PolicyIndex {
  const index = new PolicyIndex();
  for (const pod of pods) index.setPod(pod.key, pod);
  for (const policy of policies) index.setPolicy(policy.key, policy);
  index.setNodes(nodes);
  return index;
}
