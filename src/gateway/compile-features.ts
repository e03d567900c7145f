/**
 * GatewayClass.status.supportedFeatures, in the order of the alphabet: what a cluster's own tests have seen to work, named
 * as the conformance suite of the Gateway API names it.
 */
export const SUPPORTED_FEATURES: readonly string[] = ['Gateway', 'HTTPRoute', 'ReferenceGrant'];
