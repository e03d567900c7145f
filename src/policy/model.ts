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

/** One entry of `spec.ingress` or `spec.egress`: it allows what matches a peer and a port. */
export interface Rule {
  /** The kernel and the logs know it by this number; it follows from the provenance. */
  readonly id: number;
  readonly provenance: Provenance;
  readonly direction: Direction;
  /** Absent: everybody, also outside the cluster. */
  readonly peers: readonly Peer[] | undefined;
  /** Absent: everything, also protocols without ports. */
  readonly ports: readonly PortRange[] | undefined;
}

export interface Policy {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  readonly provenance: Provenance;
  readonly podSelector: LabelSelector;
  readonly isolates: Readonly<Record<Direction, boolean>>;
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
  /** By `namespace/name`. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** The policies that isolate a pod, in the order of their keys, by the pod's key; absent where there are none. */
  readonly isolating: Readonly<Record<Direction, ReadonlyMap<string, readonly Policy[]>>>;
  readonly problems: readonly Problem[];
}

export const directions: readonly Direction[] = ['egress', 'ingress'];
