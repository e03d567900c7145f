import type { Address, Family, Prefix } from '../base/ip.ts';
import { formatAddress } from '../base/ip.ts';
import type { Problem, Provenance } from '../base/provenance.ts';
import type { Protocol } from '../kube/types/scalars.ts';

/** One place behind a Service port. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | undefined;
  /** For whose clients it is meant to be (discovery/v1 EndpointHints); absent where its slice does not say. */
  readonly hints?: { readonly nodes: readonly string[]; readonly zones: readonly string[] };
  /** How often it is drawn beside the others, a whole number from 0; absent: as any other. Only routes tell it. */
  readonly weight?: number;
  /** `namespace/name` of the pod behind it, where the slice says so. */
  readonly pod: string | undefined;
  readonly provenance: Provenance;
}

/** Whether all endpoints take part, or those of the node alone that translates (core/v1 ServiceSpec). */
export type TrafficPolicy = 'Cluster' | 'Local';

/**
 * Whom an address is for, and which endpoints its clients get. The cluster's own clients get `Cluster` semantics at an
 * external address, whatever its policy (core/v1 externalTrafficPolicy).
 */
export type Exposure =
  | { readonly of: 'cluster'; readonly internalPolicy: TrafficPolicy }
  | {
      readonly of: 'load-balancer';
      readonly externalPolicy: TrafficPolicy;
      /** Clients of others are dropped; undefined: everybody may come. */
      readonly sourceRanges: readonly Prefix[] | undefined;
    }
  | { readonly of: 'external-ip' | 'node-port'; readonly externalPolicy: TrafficPolicy };

/** The node whose rules translate. */
export interface Place {
  readonly node: string;
  /** Its label topology.kubernetes.io/zone. */
  readonly zone?: string | undefined;
  /** By which pods and other nodes know it: one a family. */
  readonly addresses?: readonly Address[];
}

export interface Affinity {
  /** The Service port, whatever the address: `shop/web/http-tcp`. */
  readonly port: string;
  /** Since the client's last new connection. */
  readonly seconds: number;
}

/** One virtual address, protocol and port, with everything behind it. */
export interface Frontend {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
  /** The Service port's name; empty for an unnamed one. */
  readonly portName: string;
  readonly service: Provenance;
  readonly exposure: Exposure;
  /** A client stays with its endpoint (core/v1 sessionAffinity ClientIP). */
  readonly affinity?: Affinity;
  /** In the order of address and port; no two are the same place. */
  readonly endpoints: readonly Endpoint[];
}

/** What one Service asks for, whatever the others do. */
export interface ServicePart {
  /** `namespace/name`. */
  readonly key: string;
  /** Sorts Services by age; no two have the same. */
  readonly age: string;
  readonly service: Provenance;
  /** Those that are the Service's alone: every port of them that is no front end is refused. */
  readonly addresses: readonly Address[];
  readonly frontends: readonly Frontend[];
  /** Its load balancer addresses are ours to announce. */
  readonly isAnnounced: boolean;
  readonly problems: readonly Problem[];
}

/** What a route asks for: addresses that lead to backends by their weights, without a Service object (TCPRoute, UDPRoute). */
export interface WeightedService {
  /** Of all Services and routes its own: `TCPRoute/shop/db`. */
  readonly key: string;
  /** Sorts with those of Services: who sorts first keeps what two ask for. */
  readonly age: string;
  readonly route: Provenance;
  readonly frontends: readonly {
    readonly address: Address;
    readonly protocol: Protocol;
    readonly port: number;
    readonly externalPolicy: TrafficPolicy;
  }[];
  readonly backends: readonly {
    /** A whole number from 0 (Gateway API BackendRef.weight). */
    readonly weight: number;
    readonly endpoints: readonly Endpoint[];
  }[];
}

/** All Services together. */
export interface ServiceModel {
  /** By `frontendKey`. */
  readonly frontends: ReadonlyMap<string, Frontend>;
  /** Every address that is a Service's alone, also of Services without ports: by `formatAddress`. */
  readonly addresses: ReadonlyMap<string, Address>;
  /** Where cluster addresses come from, if that is known: what has none of them leads nowhere. */
  readonly prefixes: readonly Prefix[];
  readonly problems: readonly Problem[];
}

/** `10.96.0.10 UDP 53` */
export function frontendKey(address: Address, protocol: Protocol, port: number): string {
  return `${formatAddress(address)} ${protocol} ${port}`;
}

export const families: readonly Family[] = [4, 6];

/** The older Service keeps what two ask for: whoever came first is not disturbed. */
export function mergeParts(parts: Iterable<ServicePart>, prefixes: readonly Prefix[] = []): ServiceModel {
  const frontends = new Map<string, Frontend>();
  const addresses = new Map<string, Address>();
  const problems: Problem[] = [];
  for (const part of [...parts].sort(byAge)) {
    problems.push(...part.problems);
    for (const address of part.addresses) addresses.set(formatAddress(address), address);
    for (const frontend of part.frontends) {
      const key = frontendKey(frontend.address, frontend.protocol, frontend.port);
      const taken = frontends.get(key);
      if (taken === undefined) frontends.set(key, frontend);
      else if (taken.service.kind === 'Service')
        problems.push(takenProblem(key, frontend.service, taken.service));
    }
  }
  return { frontends, addresses, prefixes, problems };
}

/** What a route asks for, and no Service. */
export const isRoute = ({ service }: ServicePart): boolean => service.kind !== 'Service';

export const byAge = (a: ServicePart, b: ServicePart): number => (a.age < b.age ? -1 : 1);

export function takenProblem(key: string, provenance: Provenance, owner: Provenance): Problem {
  return {
    provenance,
    sentence: `${key} belongs to Service ${owner.namespace}/${owner.name}, which is older`,
  };
}
