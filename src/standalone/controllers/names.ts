/** Names that Kubernetes fixes. */

/** Where kubelets renew their leases. */
export const NODE_LEASE_NAMESPACE = 'kube-node-lease';
export const ROOT_CERTIFICATE_CONFIG_MAP = 'kube-root-ca.crt';
export const DEFAULT_SERVICE_ACCOUNT = 'default';

/** Names of our own. */

/** `true` on a Gateway: the Secrets that its listeners name are made, with certificates of the local authority. */
export const SELF_SIGNED_ANNOTATION = 'fairlead.dev/self-signed';
/** On a Secret of type kubernetes.io/tls: the names, comma-separated, that the local authority certifies. */
export const SELF_SIGNED_FOR_ANNOTATION = 'fairlead.dev/self-signed-for';
