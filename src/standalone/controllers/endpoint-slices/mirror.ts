import { parseAddress } from '../../../base/ip.ts';
import type { Endpoint } from '../../../kube/types/discovery.ts';
import type { EndpointAddress, Endpoints } from '../../../kube/types/endpoints.ts';
import type { Service } from '../../../kube/types/service.ts';
import { controllerReference } from '../ownership.ts';
import type { AddressType, EndpointGroup } from './desired.ts';
import { TRIGGER_TIME, withoutReserved } from './plan.ts';
import type { SliceOwner } from './plan.ts';

export const MIRRORED_BY = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
/** Endpoints that are a lock, not a list of addresses. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
/** They say something about the object that they stand on. */
const notMirrored: ReadonlySet<string> = new Set([
  TRIGGER_TIME,
  'kubectl.kubernetes.io/last-applied-configuration',
]);
/** Of one subset in one family; a slice may hold as many. */
const MOST_ADDRESSES = 1000;

/** Only what people wrote for a Service without a selector has no slices already. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (endpoints === undefined || service === undefined) return false;
  const { labels = {}, annotations = {} } = endpoints.metadata;
  const hasSelector = Object.keys(service.spec.selector ?? {}).length > 0;
  return labels[SKIP] !== 'true' && !(LEADER in annotations) && !hasSelector;
}

export function mirrorOwner(endpoints: Endpoints): SliceOwner {
  return {
    metadata: endpoints.metadata,
    labels: withoutReserved(endpoints.metadata.labels ?? {}),
    annotations: Object.fromEntries(
      Object.entries(endpoints.metadata.annotations ?? {}).filter(([key]) => !notMirrored.has(key)),
    ),
    managedBy: MIRRORED_BY,
    reference: controllerReference(endpoints, { apiVersion: 'v1', kind: 'Endpoints' }),
    endpointsASlice: MOST_ADDRESSES,
  };
}

/** Each subset in each family that it has addresses of; subsets with the same ports together. */
export function mirroredGroups(endpoints: Endpoints): readonly EndpointGroup[] {
  const byPorts = Map.groupBy(groupsOfSubsets(endpoints), ({ addressType, ports }) =>
    JSON.stringify([addressType, ports]),
  );
  return [...byPorts.values()].flatMap(([first, ...more]): readonly EndpointGroup[] => {
    if (first === undefined) return [];
    const all = [first, ...more].flatMap(group => group.endpoints);
    return [{ ...first, endpoints: [...new Map(all.map(one => [one.addresses.join(' '), one])).values()] }];
  });
}

function groupsOfSubsets(endpoints: Endpoints): readonly EndpointGroup[] {
  return (endpoints.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
    (['IPv4', 'IPv6'] as const).flatMap((addressType): readonly EndpointGroup[] => {
      const all = [
        ...addresses.map(address => endpointOf(address, true)),
        ...notReadyAddresses.map(address => endpointOf(address, false)),
      ].filter(endpoint => typeOf(endpoint) === addressType);
      if (all.length === 0) return [];
      const listed = ports.map(({ appProtocol, name = '', port, protocol = 'TCP' }) => ({
        ...(appProtocol === undefined ? {} : { appProtocol }),
        name,
        port,
        protocol,
      }));
      return [{ addressType, ports: listed, endpoints: all.slice(0, MOST_ADDRESSES) }];
    }),
  );
}

function typeOf(endpoint: Endpoint): AddressType | undefined {
  const family = parseAddress(endpoint.addresses[0] ?? '')?.family;
  return family === undefined ? undefined : family === 4 ? 'IPv4' : 'IPv6';
}

function endpointOf({ hostname, ip, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
