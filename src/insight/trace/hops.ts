import type { NetworkPolicyPeer, NetworkPolicyPort } from '../../kube/types/networking.ts';
import type { Protocol } from '../../kube/types/scalars.ts';

/**
 * The way of a request, in the order in which it is gone. Plain data that survives JSON. Where a hop has several
 * `choices`, each is possible; they are decided one by one.
 */
export type Hop = OriginHop | NameHop | ServiceHop | PolicyHop | RouteHop | GatewayHop | ArrivalHop;

/** Which part of which object says so. */
export interface Reference {
  /** `Kind/namespace/name` */
  readonly object: string;
  /** `spec.ports[0]` */
  readonly field: string;
}

/** An end of a connection. */
export interface Place {
  readonly address: string;
  readonly port?: number;
  /** `namespace/name`; absent where the address is no pod's. */
  readonly pod?: string;
  readonly node?: string;
}

export interface OriginHop {
  readonly hop: 'origin';
  readonly kind: 'world' | 'pod' | 'node';
  /** `Pod/shop/web-1`, `Node/node-1`; absent for the world. */
  readonly object?: string;
  readonly node?: string;
  readonly addresses: readonly string[];
  readonly sentence: string;
}

export interface NameHop {
  readonly hop: 'name';
  readonly name: string;
  readonly outcome: 'found' | 'no-such-name' | 'dns-dropped' | 'unknown';
  /** Who says it: the cluster's DNS, the pod's /etc/hosts, a Gateway's status (for clients outside), or nobody known. */
  readonly by: 'dns' | 'hosts' | 'gateway' | 'nobody';
  readonly resolver?: Resolver;
  /** Whether the pod's policies let it ask, for each name server. */
  readonly access: readonly Judgement[];
  readonly asked: readonly AskedName[];
  readonly addresses: readonly string[];
  readonly sentence: string;
  /** Names that are close to one that is not there. */
  readonly near: readonly string[];
}

/** /etc/resolv.conf of a pod (resolv.conf(5)), by `spec.dnsPolicy` and `spec.dnsConfig`. */
export interface Resolver {
  readonly policy: string;
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** With fewer dots than this, the search list comes first. */
  readonly ndots: number;
}

/** One question and its answer, in the order of the search list. */
export interface AskedName {
  readonly name: string;
  /** `no-data`: the name exists without an address. `elsewhere`: others than the cluster's DNS answer for it. */
  readonly outcome: 'found' | 'no-name' | 'no-data' | 'elsewhere' | 'invalid';
  readonly records: readonly (Reference & {
    readonly name: string;
    readonly type: string;
    readonly value: string;
  })[];
}

export interface ServiceHop {
  readonly hop: 'service';
  readonly frontends: readonly ServiceFrontend[];
}

export interface ServiceFrontend {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** `refused`: a reset or an ICMP error, at once. */
  readonly outcome: 'forwarded' | 'refused' | 'dropped';
  /** The node whose rules translate: the client's own, or the one that has or announces the address. */
  readonly node?: string;
  /** What the address is of the Service. */
  readonly exposure?: 'cluster' | 'load-balancer' | 'external-ip' | 'node-port';
  /** Whom the endpoint sees: the client, or the node that translates. */
  readonly source?: 'kept' | 'node';
  readonly service: Reference;
  readonly sentence: string;
  /** Each as likely as the others. */
  readonly endpoints: readonly (Place & { readonly from: Reference })[];
  /** Endpoints that get no new connections, each with the reason. */
  readonly leftOut: readonly (Place & { readonly from: Reference; readonly why: string })[];
}

export interface PolicyHop {
  readonly hop: 'policy';
  readonly choices: readonly Judgement[];
}

/** What NetworkPolicies say of one connection; both ends have to allow it. */
export interface Judgement {
  readonly from: Place;
  readonly to: Place;
  /** Whom the destination's policies see, where that is not who sent it: a node. */
  readonly seenAs?: Place;
  readonly protocol: Protocol;
  readonly allowed: boolean;
  /** At the source, then at the destination. */
  readonly egress: Side;
  readonly ingress: Side;
}

export interface Side {
  readonly allowed: boolean;
  /** `denied`: by a rule of a ClusterNetworkPolicy; `no-rule`: isolated, and nothing allows it. */
  readonly reason: 'no-pod' | 'loopback' | 'own-node' | 'not-isolated' | 'rule' | 'denied' | 'no-rule';
  readonly sentence: string;
  readonly pod?: string;
  /** Policies that isolate the pod in this direction. */
  readonly isolatedBy: readonly Reference[];
  readonly allowedBy?: Reference & {
    readonly ruleId: number;
    readonly peerField: string;
    readonly portField: string;
  };
  /** The rule of a ClusterNetworkPolicy that denies. */
  readonly deniedBy?: Reference & { readonly ruleId: number };
  /** For a deny, the nearest first. */
  readonly misses: readonly (Reference & { readonly ruleId: number; readonly sentence: string })[];
  /** For a deny: the smallest change that would allow it. */
  readonly change?: PolicyChange;
}

/** `add` goes to the list `field` of the policy, which is made where it is absent. */
export interface PolicyChange extends Reference {
  readonly add:
    | NetworkPolicyPort
    | NetworkPolicyPeer
    | {
        readonly from?: readonly NetworkPolicyPeer[];
        readonly to?: readonly NetworkPolicyPeer[];
        readonly ports?: readonly NetworkPolicyPort[];
      };
}

export interface RouteHop {
  readonly hop: 'route';
  readonly choices: readonly {
    readonly from: Place;
    readonly to: Place;
    readonly way: Way;
    readonly sentence: string;
  }[];
}

export type Way =
  | 'same-pod'
  | 'same-node'
  /** The other node stands on the same link. */
  | 'direct'
  | 'vxlan'
  /** By the router between two links. */
  | 'router'
  /** To another node, in a way that the API does not tell. */
  | 'other-node'
  | 'leaves-cluster'
  | 'none';

/** What the proxies of a Gateway do with an HTTP request. The hops behind it are those of their connection to a backend. */
export interface GatewayHop {
  readonly hop: 'gateway';
  /** `Gateway/namespace/name`, `IngressClass/name` */
  readonly gateway: string;
  /** Who may have the request. */
  readonly proxies: readonly Place[];
  /** `no-handshake`: no listener has the name that TLS asks for. */
  readonly outcome: 'forwarded' | 'redirected' | 'answered' | 'no-handshake';
  readonly sentence: string;
  /** What the proxy answers itself. */
  readonly status?: number;
  readonly location?: string;
  readonly listener?: Reference & { readonly name: string };
  /** The hostname that was the most specific for it. */
  readonly hostname?: string;
  readonly rule?: Reference & { readonly name?: string; readonly match: string };
  /** The rule that would have the request if that one were not there, and why it comes second. */
  readonly second?: Reference & { readonly sentence: string };
  /** What was asked before, or beside it, and why it does not have the request: other listeners, and rules. */
  readonly others: readonly (Reference & { readonly sentence: string })[];
  /** In the order in which they are applied. */
  readonly filters: readonly string[];
  readonly backends: readonly GatewayBackend[];
  /** What the Gateway's status says that does not hold, and routes of it that are refused. */
  readonly problems: readonly string[];
}

export interface GatewayBackend {
  /** `namespace/name:port`; absent for a reference that leads nowhere. */
  readonly service?: string;
  readonly weight: number;
  /** Of the requests, from 0 to 1. */
  readonly share: number;
  readonly from: Reference;
  readonly endpoints: readonly Place[];
}

/** Where each possible connection ends, and what comes of it. */
export interface ArrivalHop {
  readonly hop: 'arrival';
  readonly choices: readonly Ending[];
}

export type Outcome =
  | 'reaches'
  /** A reset or an ICMP error, at once. */
  | 'refused'
  /** Nothing comes back: the client waits until it gives up. */
  | 'dropped'
  | 'no-such-name'
  | 'no-route'
  | 'no-source'
  /** A Gateway answers itself: a redirect, or that it has no route. */
  | 'answered'
  /** A Gateway ends the TLS handshake: it has no certificate for the name. */
  | 'tls-refused'
  /** A Gateway answers that it does not reach a backend. */
  | 'gateway-error'
  /** It leaves the cluster; what is there is not modelled. */
  | 'leaves-cluster'
  | 'unknown';

/** One way that the request can end. */
export interface Ending {
  readonly outcome: Outcome;
  /** Absent where it ends before there is one. */
  readonly to?: Place;
  /** Of the HTTP answer, where a Gateway makes it: one of these. */
  readonly statuses?: readonly number[];
  readonly sentence: string;
  /** What decided. */
  readonly decidedBy?: Reference;
  /** The next step, as an imperative sentence. */
  readonly next?: string;
  /** The smallest changes of policies that would let it pass: one for each end that drops it. */
  readonly changes?: readonly PolicyChange[];
}

export interface TraceVerdict {
  /** `mixed`: it depends on the endpoint that is drawn. */
  readonly outcome: Outcome | 'mixed';
  readonly sentence: string;
  readonly decidedBy?: Reference;
  readonly next?: string;
  readonly changes?: readonly PolicyChange[];
  /** For `mixed`: each ending that differs, with the places that it is that of. */
  readonly parts: readonly (Ending & { readonly places: readonly Place[] })[];
}

export interface Trace {
  readonly from: string;
  readonly to: string;
  readonly hops: readonly Hop[];
  readonly verdict: TraceVerdict;
  /** Objects that could not be read, and were left out. */
  readonly problems: readonly string[];
}
