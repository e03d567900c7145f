import type { Address, Family } from '../base/ip.ts';
import { contains, formatAddress } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { frontendKey } from './model.ts';
import type { Endpoint, Exposure, Frontend, Place, ServiceModel, TrafficPolicy } from './model.ts';

/** Who asks, as seen by the node whose rules translate: its pod, itself, or anybody else who reaches it by a link. */
export interface Client {
  readonly place: 'pod' | 'node' | 'world';
  /** The node that translates: the pod's, the client itself, or the one where the packet of the world comes in. */
  readonly node: string;
  /** That node's zone, for endpoints with hints. */
  readonly zone?: string | undefined;
  /** For source ranges; absent: taken as allowed. */
  readonly address?: Address;
  /** That node's own, one a family: it reaches load balancers that it has itself from the address of these. */
  readonly addresses?: readonly Address[];
}

/** Where a packet to an address and port goes, and why. */
export type ServiceDecision =
  /** No Service has this address: it is routed as it is. */
  | { readonly verdict: 'not-a-service' }
  /** Refused at once: `reason` tells a wrong port from a Service without endpoints. */
  | {
      readonly verdict: 'reject';
      readonly reason: 'no-such-port' | 'no-endpoints';
      readonly frontend?: Frontend;
      readonly sentence: string;
    }
  /** Dropped without an answer: other nodes have endpoints, the client is not allowed, or nobody has the address. */
  | {
      readonly verdict: 'drop';
      readonly reason: 'source-range' | 'no-local-endpoints';
      readonly frontend: Frontend;
      readonly sentence: string;
    }
  | {
      readonly verdict: 'drop';
      readonly reason: 'no-such-address';
      readonly frontend?: undefined;
      readonly sentence: string;
    }
  /** One of `endpoints`, each as likely as the others. */
  | {
      readonly verdict: 'forward';
      readonly frontend: Frontend;
      readonly endpoints: readonly Endpoint[];
      /** None is ready: these still serve while they terminate. */
      readonly fallback: boolean;
      readonly policy: TrafficPolicy;
      /** Endpoints see the node's address instead of the client's; one that is the client itself always does. */
      readonly masquerade: boolean;
    };

/** Without a client: a pod of a node that has no endpoints. */
export function decideService(
  model: ServiceModel,
  destination: { readonly address: Address; readonly protocol: Protocol; readonly port: number },
  client: Client = { place: 'pod', node: '' },
): ServiceDecision {
  const { address, protocol, port } = destination;
  const frontend = model.frontends.get(frontendKey(address, protocol, port));
  if (frontend === undefined) {
    if (!model.addresses.has(formatAddress(address))) return unknown(model, address);
    const sentence = `no Service has ${protocol} port ${port} at ${formatAddress(address)}`;
    return { verdict: 'reject', reason: 'no-such-port', sentence };
  }
  const service = `Service ${frontend.service.namespace}/${frontend.service.name}`;
  if (client.address !== undefined && !isAllowed(frontend, client.address, client)) {
    const sentence = `${service} takes nobody from ${formatAddress(client.address)} (spec.loadBalancerSourceRanges)`;
    return { verdict: 'drop', reason: 'source-range', frontend, sentence };
  }
  const behind = frontend.endpoints.length;
  if (usableOf(frontend.endpoints).endpoints.length === 0) {
    const why =
      behind === 0 ? 'no endpoints' : `no endpoint that is ready or serving, of ${behind} in its slices`;
    return { verdict: 'reject', reason: 'no-endpoints', frontend, sentence: `${service} has ${why}` };
  }
  const view = viewOf(frontend, client.place === 'world' ? 'outside' : 'inside', client);
  // What the node itself sends may bear an address that only the node knows a way back to.
  const masquerade = view.masquerade || client.place === 'node';
  if (view.endpoints.length > 0) return { verdict: 'forward', frontend, ...view, masquerade };
  const sentence = `${service} has no endpoint on node ${client.node} that is ready or serving, of ${behind} in its slices, and its traffic policy is Local`;
  return { verdict: 'drop', reason: 'no-local-endpoints', frontend, sentence };
}

function unknown({ prefixes }: ServiceModel, address: Address): ServiceDecision {
  if (!prefixes.some(prefix => contains(prefix, address))) return { verdict: 'not-a-service' };
  const sentence = `no Service has the address ${formatAddress(address)}`;
  return { verdict: 'drop', reason: 'no-such-address', sentence };
}

/** What clients of one side get at a front end on one node. */
export interface View {
  readonly endpoints: readonly Endpoint[];
  readonly fallback: boolean;
  readonly policy: TrafficPolicy;
  readonly masquerade: boolean;
}

/** `inside`: pods of the node and the node itself; `outside`: everybody who reaches the node by a link. */
export function viewOf(frontend: Frontend, side: 'inside' | 'outside', place: Place): View {
  const { exposure, endpoints } = frontend;
  const policy = policyOf(frontend, side);
  const masquerade =
    // Whoever comes from outside has to be answered through this node, unless the endpoint is behind it for sure.
    exposure.of === 'cluster' ? side === 'outside' : exposure.externalPolicy === 'Cluster';
  const usable =
    policy === 'Cluster'
      ? nearOf(endpoints, place)
      : usableOf(endpoints.filter(({ nodeName }) => nodeName === place.node));
  return { ...usable, policy, masquerade };
}

/**
 * Of the ready endpoints those whose hints name the node, if every ready one has such hints and one names it; else the
 * same for zones; else all (KEP-2433, KEP-3015).
 */
function nearOf(endpoints: readonly Endpoint[], { node, zone = '' }: Place): ReturnType<typeof usableOf> {
  const usable = usableOf(endpoints);
  if (usable.fallback) return usable;
  for (const [kind, own] of [
    ['nodes', node],
    ['zones', zone],
  ] as const) {
    if (!usable.endpoints.every(({ hints }) => (hints?.[kind].length ?? 0) > 0)) continue;
    const near = usable.endpoints.filter(({ hints }) => hints?.[kind].includes(own));
    if (near.length > 0) return { ...usable, endpoints: near };
  }
  return usable;
}

function policyOf({ exposure }: Frontend, side: 'inside' | 'outside'): TrafficPolicy {
  if (exposure.of === 'cluster') return exposure.internalPolicy;
  return side === 'inside' ? 'Cluster' : exposure.externalPolicy;
}

function isAllowed(
  { address, exposure }: Frontend,
  client: Address,
  place: Pick<Place, 'addresses'>,
): boolean {
  if (exposure.of !== 'load-balancer' || exposure.sourceRanges === undefined) return true;
  const isIn = (one: Address) => exposure.sourceRanges?.some(range => contains(range, one)) === true;
  return isIn(client) || (isSame(client, address) && isSelfAllowed(address.family, exposure, place));
}

const isSame = (a: Address, b: Address): boolean => a.family === b.family && a.value === b.value;

/**
 * A node that has a load balancer's address among its own reaches it from that address: it may, where the node itself
 * may.
 */
export function isSelfAllowed(
  family: Family,
  { sourceRanges = [] }: Extract<Exposure, { of: 'load-balancer' }>,
  { addresses = [] }: Pick<Place, 'addresses'>,
): boolean {
  const own = addresses.find(one => one.family === family);
  return own !== undefined && sourceRanges.some(range => contains(range, own));
}

/** The ready endpoints; where there are none, those that still serve while they terminate (KEP-1669). */
export function usableOf(endpoints: readonly Endpoint[]): {
  readonly endpoints: readonly Endpoint[];
  readonly fallback: boolean;
} {
  const ready = endpoints.filter(endpoint => endpoint.ready);
  if (ready.length > 0) return { endpoints: ready, fallback: false };
  const draining = endpoints.filter(endpoint => endpoint.serving && endpoint.terminating);
  return { endpoints: draining, fallback: draining.length > 0 };
}
