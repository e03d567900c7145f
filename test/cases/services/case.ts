/**
 * Cases of Services as data: objects, what a packet asks for, and what has to become of it by the rules of the API. Every
 * data path, and the engine, is held to the same cases, in both families.
 */
import type { ServiceSpec } from '../../../src/kube/types/service.ts';

/** Addresses by what they are; `objects.ts` has those of each family. */
export type AddressName =
  | 'cluster'
  | 'second-cluster'
  /** In the Service prefixes, and nobody's. */
  | 'unassigned'
  | 'balancer'
  | 'external'
  /** The node's own, where node ports are. */
  | 'node';

/** Places where a server listens on the ports 8080 and 8081. */
export type PlaceName = 'a' | 'b' | 'c' | 'd' | 'e';

/** The node that translates is `node-1`, in the zone `here`. */
export interface CaseEndpoint {
  readonly at: PlaceName;
  /** Default `node-1`; null: the slice names none. */
  readonly node?: string | null;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly forNodes?: readonly string[];
  readonly forZones?: readonly string[];
}

export interface CaseSlice {
  readonly endpoints: readonly CaseEndpoint[];
  /** By name of the Service's ports. Default `{ http: 8080, dns: 8080 }`. */
  readonly ports?: Readonly<Record<string, number | undefined>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default both: a slice of each. */
  readonly families?: readonly (4 | 6)[];
}

export interface CaseService {
  /** Default `web`. */
  readonly name?: string;
  /** Seconds after the first; the older Service keeps what two ask for. Default 0. */
  readonly age?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Default: type ClusterIP at `cluster` in both families, the ports http (TCP 80, node port 30080) and dns (UDP 53, node port
   * 30053). In `externalIPs` and `loadBalancerSourceRanges` names stand for addresses: `external`, `clients`.
   */
  readonly spec?: Partial<ServiceSpec>;
  /** Of the cluster addresses. Default both; none: headless, or without an address. */
  readonly families?: readonly (4 | 6)[];
  readonly clusterAddress?: 'cluster' | 'second-cluster';
  /** status.loadBalancer.ingress at the address `balancer`: its mode, or null without one. */
  readonly ingress?: 'VIP' | 'Proxy' | null;
  /** What the load balancer's status says. Default `balancer`. */
  readonly ingressAddress?: AddressName;
  readonly slices: readonly CaseSlice[];
}

export interface CasePacket {
  /** Default both. */
  readonly family?: 4 | 6;
  /** A pod of node-1; the node itself; somebody on a link; the place `a` itself, which is a pod of node-1. */
  readonly from: 'pod' | 'node' | 'world' | 'a';
  readonly to: AddressName;
  /** Default 80. */
  readonly port?: number;
  /** Default TCP. */
  readonly protocol?: 'TCP' | 'UDP';
  /** The endpoints, each as likely as the others; ROUTED: no Service's business, and answered by no place. */
  readonly gets: readonly PlaceName[] | 'DROP' | 'REJECT' | 'ROUTED';
  /** The endpoint sees the node's address. Default false; always true for what the node sends. */
  readonly masquerade?: boolean;
  /** The port at which the endpoint is met. Default 8080. */
  readonly at?: number;
}

export interface ServiceCase {
  /** What holds, in a user's words. */
  readonly name: string;
  readonly services: readonly CaseService[];
  readonly packets: readonly CasePacket[];
}
