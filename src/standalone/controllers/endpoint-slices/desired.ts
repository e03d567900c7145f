import { parseAddress } from '../../../base/ip.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { Endpoint, EndpointPort } from '../../../kube/types/discovery.ts';
import type { Service, ServicePort } from '../../../kube/types/service.ts';
import { isReady, isTerminated, isTerminating } from '../pod-state.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share their ports: named target ports may differ from pod to pod, and a slice has one list of ports. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** A topology.kubernetes.io/zone of a node; undefined where it has none. */
export type ZoneOf = (nodeName: string) => string | undefined;

/** What the slices of a Service shall say together; how it is cut into slices is `plan`'s business. */
export function desiredGroups(service: Service, pods: readonly Pod[], zoneOf: ZoneOf): readonly EndpointGroup[] {
  const groups = new Map<string, { ports: readonly EndpointPort[]; addressType: AddressType; endpoints: Endpoint[] }>();
  const headless = service.spec.clusterIP === 'None';
  for (const addressType of addressTypesOf(service)) {
    for (const pod of pods) {
      const endpoint = endpointOf(service, pod, addressType, zoneOf);
      if (endpoint === undefined) continue;
      const ports = (service.spec.ports ?? []).flatMap(port => resolvePort(port, pod));
      // A headless Service without ports still names its pods in DNS.
      if (ports.length === 0 && !(headless && (service.spec.ports ?? []).length === 0)) continue;
      const key = `${addressType} ${JSON.stringify(ports)}`;
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
    // A Service that selects nobody still has one empty slice a family, so that readers know it was looked at.
    if (![...groups.values()].some(group => group.addressType === addressType)) {
      groups.set(`${addressType} []`, { addressType, ports: [], endpoints: [] });
    }
  }
  return [...groups.values()];
}

function addressTypesOf(service: Service): readonly AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  return families.length > 0 ? families : ['IPv4'];
}

function endpointOf(service: Service, pod: Pod, addressType: AddressType, zoneOf: ZoneOf): Endpoint | undefined {
  const nodeName = pod.spec.nodeName ?? '';
  if (isTerminated(pod) || nodeName === '') return undefined;
  const family = addressType === 'IPv4' ? 4 : 6;
  const address = (pod.status?.podIPs ?? []).find(({ ip }) => parseAddress(ip)?.family === family)?.ip;
  if (address === undefined) return undefined;
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const zone = zoneOf(nodeName);
  const { hostname, subdomain } = pod.spec;
  return {
    addresses: [address],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname !== undefined && hostname !== '' && subdomain === service.metadata.name ? { hostname } : {}),
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
function resolvePort(port: ServicePort, pod: Pod): readonly EndpointPort[] {
  const protocol = port.protocol ?? 'TCP';
  const target = port.targetPort ?? port.port;
  const number = typeof target === 'number' ? (target === 0 ? port.port : target) : namedPort(pod, target, protocol);
  if (number === undefined) return [];
  const { appProtocol, name = '' } = port;
  return [{ ...(appProtocol === undefined ? {} : { appProtocol }), name, port: number, protocol }];
}

function namedPort(pod: Pod, name: string, protocol: string): number | undefined {
  const sidecars = (pod.spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always');
  const ports = [...pod.spec.containers, ...sidecars].flatMap(container => container.ports ?? []);
  return ports.find(port => port.name === name && (port.protocol ?? 'TCP') === protocol)?.containerPort;
}
