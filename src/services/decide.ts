import type { Address } from '../base/ip.ts';
import { formatAddress } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { frontendKey } from './model.ts';
import type { Endpoint, Frontend, ServiceModel } from './model.ts';

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
  /** One of `endpoints`, each as likely as the others. */
  | {
      readonly verdict: 'forward';
      readonly frontend: Frontend;
      readonly endpoints: readonly Endpoint[];
      readonly fallback: boolean;
    };

export function decideService(
  model: ServiceModel,
  destination: { readonly address: Address; readonly protocol: Protocol; readonly port: number },
): ServiceDecision {
  const { address, protocol, port } = destination;
  const frontend = model.frontends.get(frontendKey(address, protocol, port));
  if (frontend === undefined) {
    if (!model.addresses.has(formatAddress(address))) return { verdict: 'not-a-service' };
    return {
      verdict: 'reject',
      reason: 'no-such-port',
      sentence: `no Service has ${protocol} port ${port} at ${formatAddress(address)}`,
    };
  }
  const { endpoints, fallback } = usableEndpoints(frontend);
  if (endpoints.length > 0) return { verdict: 'forward', frontend, endpoints, fallback };
  const { namespace, name } = frontend.service;
  const behind = frontend.endpoints.length;
  const why =
    behind === 0 ? 'no endpoints' : `no endpoint that is ready or serving, of ${behind} in its slices`;
  return {
    verdict: 'reject',
    reason: 'no-endpoints',
    frontend,
    sentence: `Service ${namespace}/${name} has ${why}`,
  };
}

/** The ready endpoints; where there are none, those that still serve while they terminate (KEP-1669). */
export function usableEndpoints(frontend: Frontend): {
  readonly endpoints: readonly Endpoint[];
  readonly fallback: boolean;
} {
  const ready = frontend.endpoints.filter(endpoint => endpoint.ready);
  if (ready.length > 0) return { endpoints: ready, fallback: false };
  const draining = frontend.endpoints.filter(endpoint => endpoint.serving && endpoint.terminating);
  return { endpoints: draining, fallback: draining.length > 0 };
}
