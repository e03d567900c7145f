import type { LabelSelector, ObjectMeta } from './meta.ts';

/** policy.networking.k8s.io/v1alpha2, cluster-scoped. */
export interface ClusterNetworkPolicy {
  readonly apiVersion: 'policy.networking.k8s.io/v1alpha2';
  readonly kind: 'ClusterNetworkPolicy';
  readonly metadata: ObjectMeta;
  readonly spec: ClusterNetworkPolicySpec;
}

export interface ClusterNetworkPolicySpec {
  readonly tier: 'Admin' | 'Baseline';
  /** 0 to 1000; the smaller is asked first. */
  readonly priority: number;
  readonly subject: ClusterNetworkPolicySubject;
  readonly ingress?: readonly ClusterNetworkPolicyRule[];
  readonly egress?: readonly ClusterNetworkPolicyRule[];
}

/** Exactly one of them. */
export interface ClusterNetworkPolicySubject {
  readonly namespaces?: LabelSelector;
  readonly pods?: NamespacedPods;
}

export interface NamespacedPods {
  readonly namespaceSelector: LabelSelector;
  readonly podSelector: LabelSelector;
}

export interface ClusterNetworkPolicyRule {
  readonly name?: string;
  readonly action: 'Accept' | 'Deny' | 'Pass';
  readonly from?: readonly ClusterNetworkPolicyPeer[];
  readonly to?: readonly ClusterNetworkPolicyPeer[];
  readonly protocols?: readonly ClusterNetworkPolicyProtocol[];
}

/** Exactly one of them; the last three in egress alone. */
export interface ClusterNetworkPolicyPeer {
  readonly namespaces?: LabelSelector;
  readonly pods?: NamespacedPods;
  readonly networks?: readonly string[];
  readonly nodes?: LabelSelector;
  readonly domainNames?: readonly string[];
}

/** Exactly one of them. */
export interface ClusterNetworkPolicyProtocol {
  readonly tcp?: { readonly destinationPort?: ClusterNetworkPolicyPort };
  readonly udp?: { readonly destinationPort?: ClusterNetworkPolicyPort };
  readonly sctp?: { readonly destinationPort?: ClusterNetworkPolicyPort };
  readonly destinationNamedPort?: string;
}

/** Exactly one of them. */
export interface ClusterNetworkPolicyPort {
  readonly number?: number;
  readonly range?: { readonly start: number; readonly end: number };
}
