/**
 * Network plugins, by what their node agents' images are called. `enforces`: NetworkPolicies take effect without a
 * second product.
 */
export interface NetworkPlugin {
  readonly name: string;
  readonly image: RegExp;
  readonly enforces: boolean;
  /** It does not give pods their interface, others call it or it calls others. */
  readonly companion?: true;
  /** Those that it gives pods their interfaces for, while they enforce policies or translate Services. */
  readonly beneath?: readonly string[];
  /** Whether it enforces is a setting that no object of the API shows. */
  readonly switchable?: true;
  /** Its options that switch parts of it off. */
  readonly off?: { readonly enforces: string; readonly replacesProxy: string };
  /** It replaces kube-proxy as it ships. */
  readonly replacesProxy?: true;
  /** Its makers ended it. */
  readonly ended?: string;
}

export const networkPlugins: readonly NetworkPlugin[] = [
  { name: 'Fairlead', image: /(^|\/)fairlead-agent([:@]|$)/, enforces: true, replacesProxy: true },
  { name: 'Cilium', image: /(^|\/)cilium(-agent)?([:@]|$)/, enforces: true },
  { name: 'Calico', image: /(^|\/)(calico\/node|calico-node)([:@]|$)/, enforces: true },
  { name: 'Antrea', image: /(^|\/)antrea(-agent)?(-ubuntu|-ubi)?([:@]|$)/, enforces: true },
  { name: 'OVN-Kubernetes', image: /(^|\/)ovn-kube(rnetes)?[a-z-]*([:@]|$)/, enforces: true },
  { name: 'Kube-OVN', image: /(^|\/)kube-ovn([:@]|$)/, enforces: true },
  {
    name: 'kube-router',
    image: /(^|\/)kube-router([:@]|$)/,
    enforces: true,
    replacesProxy: true,
    off: { enforces: '--run-firewall=false', replacesProxy: '--run-service-proxy=false' },
  },
  { name: 'kindnet', image: /(^|\/)kindnetd([:@]|$)/, enforces: true },
  // With Calico it is known as Canal.
  { name: 'Flannel', image: /(^|\/)flannel([:@]|$)/, enforces: false, beneath: ['Calico', 'Cilium'] },
  {
    name: 'Weave Net',
    image: /(^|\/)weave-kube([:@]|$)/,
    enforces: true,
    ended: 'its repository is archived since June 2024',
  },
  {
    name: 'Amazon VPC CNI',
    image: /(^|\/)amazon-k8s-cni([:@]|$)/,
    enforces: false,
    switchable: true,
    beneath: ['Calico', 'Cilium'],
  },
  {
    name: 'Azure CNI',
    image: /(^|\/)azure-cns([:@]|$)/,
    enforces: false,
    switchable: true,
    beneath: ['Calico', 'Cilium'],
  },
  { name: 'Multus', image: /(^|\/)multus-cni([:@]|$)/, enforces: false, companion: true },
];

/** Products that enforce NetworkPolicies beside a plugin that does not. */
export const policyEngines: readonly { readonly name: string; readonly image: RegExp }[] = [
  { name: 'kube-network-policies', image: /(^|\/)kube-network-policies([:@]|$)/ },
  { name: 'Amazon network policy agent', image: /(^|\/)aws-network-policy-agent([:@]|$)/ },
  { name: 'Azure network policy manager', image: /(^|\/)azure-npm([:@]|$)/ },
];
