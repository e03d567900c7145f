import { parseAddress } from '../../base/ip.ts';
import type { Address, Family } from '../../base/ip.ts';
import type { StreamBackend, StreamListener } from '../../gateway/compile-streams.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Service } from '../../kube/types/service.ts';
import { readEndpoints } from '../../services/compile-endpoints.ts';
import { usableOf } from '../../services/decide.ts';
import type { Endpoint, WeightedService } from '../../services/index.ts';

/** Where backends are found: caches, as they are now. By `namespace/name`. */
export interface StreamSources {
  readonly service: (key: string) => Service | undefined;
  readonly slices: (key: string) => readonly EndpointSlice[];
}

/**
 * What a listener asks of the Services' data path in one family: the addresses of its Gateway's own Service lead to the
 * backends of its route. Undefined where the Gateway has no address of the family.
 *
 * A backend without an endpoint has its share of connections refused (TCPRouteRule.backendRefs): they are led to a port of
 * the Gateway's cluster address that nobody has, where every node refuses.
 */
export function weightedStream(
  listener: StreamListener,
  gatewayService: Service,
  family: Family,
  { service, slices }: StreamSources,
): WeightedService | undefined {
  const { key, port, protocol, provenance } = listener;
  const [cluster] = addressesOf(gatewayService.spec.clusterIPs ?? [], family);
  const balanced = addressesOf(
    (gatewayService.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode = 'VIP' }) =>
      ip === undefined || ipMode !== 'VIP' ? [] : [ip],
    ),
    family,
  );
  if (cluster === undefined) return undefined;
  const refusing = { address: cluster, port: freePort(gatewayService), provenance };
  const backends = listener.backends.map(backend => ({
    weight: backend.weight,
    endpoints: endpointsOf(backend, listener, family, { service, slices }),
  }));
  const hasSome = backends.some(({ endpoints }) => usableOf(endpoints).endpoints.length > 0);
  return {
    key: weightedKey(key, family),
    // Before the Gateway's own Service, which has the same ports.
    age: '',
    route: provenance,
    frontends: [
      // The cluster's own clients keep their address; who comes from outside has to be answered through the same node.
      { address: cluster, protocol, port, externalPolicy: 'Local' },
      ...balanced.map(address => ({ address, protocol, port, externalPolicy: 'Cluster' }) as const),
    ],
    backends: hasSome
      ? backends.map(({ endpoints, weight }) => {
          const { endpoints: usable } = usableOf(endpoints);
          return { weight, endpoints: usable.length > 0 ? endpoints : [asEndpoint(refusing)] };
        })
      : [],
  };
}

/** Not the key of a Service, which has one slash. */
export const weightedKey = (listener: string, family: Family): string => `Gateway/${listener}/IPv${family}`;

function endpointsOf(
  backend: StreamBackend,
  { protocol }: StreamListener,
  family: Family,
  { service, slices }: StreamSources,
): readonly Endpoint[] {
  if (backend.service === undefined) return [];
  const entry = service(backend.service)?.spec.ports?.find(
    candidate => candidate.port === backend.port && (candidate.protocol ?? 'TCP') === protocol,
  );
  if (entry === undefined) return [];
  // What is wrong with the slices is told by the Service that they belong to.
  return readEndpoints(slices(backend.service), family, entry.name ?? '', protocol, []);
}

const addressesOf = (texts: readonly string[], family: Family): readonly Address[] =>
  texts.flatMap(text => {
    const address = parseAddress(text);
    return address?.family === family ? [address] : [];
  });

/** The first from that of the discard service (RFC 863) that the Service does not have. */
function freePort({ spec }: Service): number {
  const taken = new Set((spec.ports ?? []).map(({ port }) => port));
  let port = 9;
  while (taken.has(port)) port++;
  return port;
}

const asEndpoint = (place: Pick<Endpoint, 'address' | 'port' | 'provenance'>): Endpoint => ({
  ...place,
  ready: true,
  serving: true,
  terminating: false,
  nodeName: undefined,
  pod: undefined,
});
