import { parseAddress } from '../../../base/ip.ts';
import type { Node, Pod } from '../../../kube/types/core.ts';
import type { Endpoint, EndpointPort } from '../../../kube/types/discovery.ts';
import type { Service, ServicePort } from '../../../kube/types/service.ts';
import { withHints } from './hints.ts';
import { isReady, isTerminated, isTerminating } from '../pod-state.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share their ports: named target ports may differ from pod to pod, and a slice has one list of ports. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const ZONE = 'topology.kubernetes.io/zone';

/** What the slices of a Service shall say together; how it is cut into slices is `planSlices`' business. */
export function desiredGroups(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): readonly EndpointGroup[] {
  return addressTypesOf(service).flatMap(addressType => {
    const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
    for (const pod of pods) {
      const endpoint = endpointOf(service, pod, addressType, nodeOf);
      if (endpoint === undefined) continue;
      // A pod that has none of the named ports is still an endpoint: DNS tells of it.
      const ports = (service.spec.ports ?? []).flatMap(port => resolvePort(port, pod));
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(withHints(service, endpoint));
      groups.set(key, group);
    }
    // A Service that selects nobody has one empty slice a family, so that readers know it was looked at.
    if (groups.size === 0) return [{ addressType, ports: [], endpoints: [] }];
    return [...groups.values()].map(group => ({ addressType, ...group }));
  });
}

function addressTypesOf(service: Service): readonly AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  return families.length > 0 ? families : ['IPv4'];
}

function endpointOf(
  service: Service,
  pod: Pod,
  addressType: AddressType,
  nodeOf: (name: string) => Node | undefined,
): Endpoint | undefined {
  const { hostname, nodeName = '', subdomain } = pod.spec;
  if (isTerminated(pod) || nodeName === '') return undefined;
  const family = addressType === 'IPv4' ? 4 : 6;
  const address = (pod.status?.podIPs ?? []).find(({ ip }) => parseAddress(ip)?.family === family)?.ip;
  if (address === undefined) return undefined;
  const isPublished = service.spec.publishNotReadyAddresses === true;
  const node = nodeOf(nodeName);
  // What ran on a node that is gone answers nobody; the pod will follow its node.
  if (node === undefined && !isPublished) return undefined;
  const zone = node?.metadata.labels?.[ZONE];
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const isNamed = hostname !== undefined && hostname !== '' && subdomain === service.metadata.name;
  return {
    addresses: [address],
    conditions: { ready: isPublished || (serving && !terminating), serving, terminating },
    ...(isNamed ? { hostname } : {}),
    nodeName,
    targetRef: {
      kind: 'Pod',
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name,
      ...(pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid }),
    },
    ...(zone === undefined ? {} : { zone }),
  };
}

/** A named target port is the container's port of that name and protocol; a pod without it does not serve this port. */
export function resolvePort(port: ServicePort, pod: Pod): readonly EndpointPort[] {
  const { appProtocol, name = '', protocol = 'TCP', targetPort = port.port } = port;
  const number = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort, protocol);
  if (number === undefined) return [];
  return [
    { ...(appProtocol === undefined ? {} : { appProtocol }), name, port: number || port.port, protocol },
  ];
}

/** Sidecars are init containers that go on running; they come after the containers proper. */
function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  const sidecars = (pod.spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always');
  const ports = [...pod.spec.containers, ...sidecars].flatMap(container => container.ports ?? []);
  return ports.find(port => port.name === name && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** What of a pod stands in slices; pods change more often than this does. */
export function endpointFacts(pod: Pod | undefined): string {
  if (pod === undefined) return '';
  const { labels, name, uid } = pod.metadata;
  const { hostname, nodeName, subdomain } = pod.spec;
  const state = [isReady(pod), isTerminating(pod), isTerminated(pod)];
  return JSON.stringify([name, uid, labels, hostname, nodeName, subdomain, pod.status?.podIPs, state]);
}

/** What of a node stands in slices, or decides what its zone gets. */
export function nodeFacts(node: Node | undefined): string {
  if (node === undefined) return '';
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return JSON.stringify([
    node.metadata.uid,
    node.metadata.labels?.[ZONE],
    ready,
    node.status?.allocatable?.['cpu'],
  ]);
}
