import type { Endpoint, EndpointHints } from '../../../kube/types/discovery.ts';
import type { Service } from '../../../kube/types/service.ts';

/**
 * For whose clients an endpoint is meant to be, as `spec.trafficDistribution` asks (KEP-4444, KEP-3015): those of its zone,
 * or of its node and, where that has none, of its zone. Endpoints that are not ready get no hints: nobody heeds them.
 */
export function withHints(service: Service, endpoint: Endpoint): Endpoint {
  const hints = endpoint.conditions?.ready === true ? hintsFor(service, endpoint) : undefined;
  return hints === undefined ? endpoint : { ...endpoint, hints };
}

function hintsFor(
  { spec: { trafficDistribution } }: Service,
  { nodeName, zone }: Endpoint,
): EndpointHints | undefined {
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  switch (trafficDistribution ?? '') {
    case 'PreferClose': // the former name of PreferSameZone
    case 'PreferSameZone':
      return zone === undefined ? undefined : forZones;
    case 'PreferSameNode':
      return nodeName === undefined ? undefined : { forNodes: [{ name: nodeName }], ...forZones };
    default:
      return undefined;
  }
}
