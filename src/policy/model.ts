import type { Address, Prefix } from '../base/ip.ts';
import type { Problem, Provenance } from '../base/provenance.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import type { Protocol } from '../kube/types/scalars.ts';

export type Direction = 'ingress' | 'egress';

export type Labels = Readonly<Record<string, string>>;

/** `containers[].ports[]` that have a name. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A pod that lives: one that succeeded or failed has lost its addresses, and is none. */
export interface PolicyPod {
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly namespaceLabels: Labels;
  readonly addresses: readonly Address[];
  /** Empty while it is not scheduled: then nothing isolates it. */
  readonly node: string;
  /** It behaves as its node: no policy selects it, no peer selector matches it. */
  readonly hostNetwork: boolean;
  readonly ports: readonly NamedPort[];
  /** RFC 3339; of two pods with one address the younger has it. */
  readonly created: string;
}

/** One entry of `from` or `to`. */
export type Peer =
  | {
      readonly is: 'pods';
      readonly field: string;
      /** Absent: only the policy's own namespace (NetworkPolicyPeer.podSelector). */
      readonly namespaceSelector?: LabelSelector;
      /** Absent: all pods of those namespaces. */
      readonly podSelector?: LabelSelector;
    }
  | {
      readonly is: 'block';
      readonly field: string;
      readonly prefix: Prefix;
      readonly except: readonly Prefix[];
    }
  | {
      readonly is: 'nodes';
      readonly field: string;
      /** Of the Node's labels; its addresses match, and so do pods of the host network. */
      readonly selector: LabelSelector;
    }
  | {
      readonly is: 'domains';
      readonly field: string;
      /** As `readDomainPattern` gives them; the addresses that the cluster's DNS told pods of this node for them match. */
      readonly names: readonly string[];
    }
  /** It cannot be read, and its rule must not let more pass for that: it matches everybody. */
  | { readonly is: 'everybody'; readonly field: string; readonly why: string }
  /** It cannot be read and matches nobody. */
  | { readonly is: 'nobody'; readonly field: string; readonly why: string };

/** One entry of `ports`. */
export type PortRange =
  | {
      readonly is: 'numbers';
      readonly field: string;
      readonly protocol: Protocol;
      readonly from: number;
      readonly to: number;
    }
  | { readonly is: 'named'; readonly field: string; readonly protocol: Protocol; readonly name: string }
  /** It cannot be read and matches no port. */
  | { readonly is: 'none'; readonly field: string; readonly why: string };

/** What a rule does with what matches it; of a NetworkPolicy always Accept. Pass leaves it to the next tier. */
export type Action = 'Accept' | 'Deny' | 'Pass';

/** In this order; the rules of Admin and Baseline one after the other, those of NetworkPolicy together. */
export type Tier = 'Admin' | 'NetworkPolicy' | 'Baseline';

/** One entry of `spec.ingress` or `spec.egress`: it is for what matches a peer and a port. */
export interface Rule {
  /** The kernel and the logs know it by this number; it follows from the provenance. */
  readonly id: number;
  readonly provenance: Provenance;
  readonly direction: Direction;
  readonly action: Action;
  /** As its author called it. */
  readonly name?: string;
  /** Absent: everybody, also outside the cluster. */
  readonly peers: readonly Peer[] | undefined;
  /** Absent: everything, also protocols without ports. */
  readonly ports: readonly PortRange[] | undefined;
}

/** A NetworkPolicy or a ClusterNetworkPolicy. */
export interface Policy {
  /** `namespace/name`; `/name` of one for the cluster. */
  readonly key: string;
  readonly namespace: string;
  readonly provenance: Provenance;
  readonly tier: Tier;
  /** In its tier the smaller is asked first. */
  readonly priority: number;
  /** The pods that it is for. */
  readonly subject: Extract<Peer, { is: 'pods' }>;
  /** It is tried: what it alone would drop is reported, and passes. */
  readonly isAudited: boolean;
  /** Directions in which it has something to say; a NetworkPolicy isolates in them. */
  readonly covers: Readonly<Record<Direction, boolean>>;
  readonly rules: Readonly<Record<Direction, readonly Rule[]>>;
  readonly problems: readonly Problem[];
}

/** Everything that decides; immutable. */
export interface PolicyModel {
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PolicyPod>;
  /** By the address as `formatAddress` writes it; pods of the host's network are not in it. */
  readonly podsByAddress: ReadonlyMap<string, PolicyPod>;
  /** Node names by address. */
  readonly nodesByAddress: ReadonlyMap<string, string>;
  /** By the node's name. */
  readonly nodeLabels: ReadonlyMap<string, Labels>;
  /** Names that policies wait for, by the addresses that the node's DNS server told for them. */
  readonly namesByAddress: ReadonlyMap<string, ReadonlySet<string>>;
  /** The other way round. */
  readonly addressesByName: ReadonlyMap<string, ReadonlySet<string>>;
  /** By their keys. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** The policies that cover a pod, in the order in which they are asked, by the pod's key; absent where there are none. */
  readonly covering: Readonly<Record<Direction, ReadonlyMap<string, readonly Policy[]>>>;
  readonly problems: readonly Problem[];
}

export const directions: readonly Direction[] = ['egress', 'ingress'];
export const tiers: readonly Tier[] = ['Admin', 'NetworkPolicy', 'Baseline'];
