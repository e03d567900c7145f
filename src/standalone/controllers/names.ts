/** Names that Kubernetes fixes. */

/** Where kubelets renew their leases. */
export const NODE_LEASE_NAMESPACE = 'kube-node-lease';
export const ROOT_CERTIFICATE_CONFIG_MAP = 'kube-root-ca.crt';
export const DEFAULT_SERVICE_ACCOUNT = 'default';
