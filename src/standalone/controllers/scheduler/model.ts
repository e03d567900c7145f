import type {
  Node,
  Pod,
  PodAffinityTerm,
  Taint,
  TopologySpreadConstraint,
} from '../../../kube/types/core.ts';

export type Labels = Readonly<Record<string, string>>;

/** Amounts by resource name, in billionths of a core, a byte, a piece: sums and comparisons are exact. */
export type Resources = ReadonlyMap<string, bigint>;

export interface HostPort {
  readonly protocol: string;
  /** `0.0.0.0` means all addresses of the node. */
  readonly address: string;
  readonly port: number;
}

/** What scheduling reads of a pod, worked out once. */
export interface PodFacts {
  readonly pod: Pod;
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly requests: Resources;
  readonly hostPorts: readonly HostPort[];
  readonly affinity: readonly PodAffinityTerm[];
  readonly antiAffinity: readonly PodAffinityTerm[];
  readonly spread: readonly TopologySpreadConstraint[];
  /** The uid of the controller, by which replicas are spread. */
  readonly owner: string | undefined;
  readonly terminating: boolean;
}

/** A node with the pods that take up room on it: bound ones, and those whose binding is on its way. */
export interface NodeFacts {
  readonly node: Node;
  readonly name: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly allocatable: Resources;
  readonly pods: ReadonlyMap<string, PodFacts>;
  readonly requested: Resources;
  /** How many of the pods have required anti-affinity: mostly none, and then nobody looks for it. */
  readonly repelling: number;
}

/** Everything that a decision may depend on. */
export interface Cluster {
  readonly nodes: readonly NodeFacts[];
  namespaceLabels(namespace: string): Labels;
}

export type Decision =
  | { readonly kind: 'bind'; readonly node: string }
  | { readonly kind: 'unschedulable'; readonly message: string };
